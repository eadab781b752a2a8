-- The sample database, part 2 of 3: the shards.
--
-- One statement that commits after each shard: all tables of all shards in one transaction
-- would need more locks than a server has by default. Builder's sequences and functions are
-- left out, because nothing is inserted later.

DO $$
DECLARE
    this_shard int;
    package_names text[] := string_to_array(
        'glibc openssl zlib bash coreutils gcc binutils make perl python ruby node go rust jdk8 '
        'nginx haproxy redis postgresql mysql mongodb elasticsearch rabbitmq kafka consul vault '
        'git curl wget jq busybox cacerts ncurses readline sqlite libxml2 libyaml bundler hab '
        'hab-sup hab-studio builder-api builder-worker hello-world web-app api-server worker '
        'metrics gateway scheduler', ' '
    );
BEGIN
    -- Foreign keys are correct by construction; checking each row would double the time.
    SET session_replication_role = replica;
    -- Compiling these queries takes a hundred times longer than running them.
    SET jit = off;
    FOR this_shard IN SELECT generate_series(0, shards - 1) FROM demo.size LOOP
        EXECUTE format('CREATE SCHEMA shard_%s', this_shard);
        PERFORM set_config('search_path', format('shard_%s', this_shard), false);

        -- One row per namespace that packages are published under.
        CREATE TABLE origins (
            id bigint PRIMARY KEY,
            name text UNIQUE,
            owner_id bigint,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz,
            default_package_visibility text NOT NULL DEFAULT 'public'
        );
        INSERT INTO origins
        SELECT
            demo.id(o.created_at, o.number + 7, o.shard), o.name, a.id, o.created_at,
            CASE WHEN o.number % 3 = 0 THEN o.created_at + interval '40 days' END,
            CASE WHEN o.number % 50 = 49 THEN 'private' ELSE 'public' END
        FROM demo.origins AS o
        JOIN demo.accounts AS a ON a.number = o.number / 2
        WHERE o.shard = this_shard
        ORDER BY o.number;

        -- One row per account that may publish to an origin, including its owner.
        CREATE TABLE origin_members (
            origin_id bigint REFERENCES origins (id),
            origin_name text,
            account_id bigint,
            account_name text,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz,
            PRIMARY KEY (origin_id, account_id)
        );
        INSERT INTO origin_members
        SELECT origin.id, origin.name, a.id, a.name, origin.created_at + nth * interval '26h'
        FROM demo.origins AS o
        JOIN origins AS origin USING (name)
        CROSS JOIN LATERAL generate_series(0, CASE o.number WHEN 0 THEN 12 ELSE o.number % 4 END) AS nth
        JOIN demo.accounts AS a
            ON a.number = (o.number / 2 + nth * 5) % (SELECT count(*) FROM demo.accounts)
        WHERE o.shard = this_shard
        ORDER BY o.number, nth
        ON CONFLICT DO NOTHING;

        -- One row per account that was invited to join.
        CREATE TABLE origin_invitations (
            id bigint PRIMARY KEY,
            origin_id bigint REFERENCES origins (id),
            origin_name text,
            account_id bigint,
            account_name text,
            owner_id bigint,
            ignored boolean DEFAULT false,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz,
            UNIQUE (origin_id, account_id)
        );
        INSERT INTO origin_invitations
        SELECT
            demo.id(sent_at, o.number, o.shard), origin.id, origin.name, a.id, a.name,
            origin.owner_id, o.number % 15 = 0, sent_at
        FROM demo.origins AS o
        JOIN origins AS origin USING (name)
        JOIN demo.accounts AS a
            ON a.number = (o.number / 2 + 3) % (SELECT count(*) FROM demo.accounts)
        CROSS JOIN LATERAL (SELECT o.created_at + interval '9 days') AS sent (sent_at)
        WHERE o.shard = this_shard AND o.number % 5 = 0
        ORDER BY o.number;

        -- One row per half of the key pair that signs an origin's packages.
        CREATE TABLE origin_public_keys (
            id bigint PRIMARY KEY,
            origin_id bigint REFERENCES origins (id),
            owner_id bigint,
            name text,
            revision text,
            full_name text UNIQUE,
            body bytea,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz
        );
        CREATE TABLE origin_secret_keys (LIKE origin_public_keys INCLUDING ALL);
        ALTER TABLE origin_secret_keys ADD FOREIGN KEY (origin_id) REFERENCES origins (id);
        INSERT INTO origin_public_keys
        SELECT
            id, id, owner_id, name, revision, name || '-' || revision,
            convert_to(format(E'SIG-PUB-1\n%s-%s\n\n%s', name, revision, md5(name)), 'UTF8'),
            created_at
        FROM origins
        CROSS JOIN LATERAL (SELECT to_char(created_at, 'YYYYMMDDHH24MISS')) AS made (revision);
        INSERT INTO origin_secret_keys
        SELECT
            id, origin_id, owner_id, name, revision, full_name,
            sha256(convert_to(full_name, 'UTF8')), created_at
        FROM origin_public_keys;

        -- One row per credential for another service, encrypted by Builder.
        CREATE TABLE origin_integrations (
            id bigint PRIMARY KEY,
            origin text,
            integration text,
            name text,
            body text,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz,
            UNIQUE (origin, integration, name)
        );
        INSERT INTO origin_integrations
        SELECT
            demo.id(o.created_at, o.number, o.shard), o.name, 'docker', 'docker-hub',
            md5(o.name), o.created_at
        FROM demo.origins AS o
        WHERE o.shard = this_shard AND o.number % 40 = 0
        ORDER BY o.number;

        -- One row per package that Builder builds from a repository.
        CREATE TABLE origin_projects (
            id bigint PRIMARY KEY,
            origin_id bigint REFERENCES origins (id),
            origin_name text,
            package_name text,
            name text,
            plan_path text,
            owner_id bigint,
            vcs_type text,
            vcs_data text,
            visibility text NOT NULL DEFAULT 'public',
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz,
            UNIQUE (origin_name, package_name, name)
        );
        INSERT INTO origin_projects
        SELECT
            demo.id(o.created_at, nth, o.shard), origin.id, o.name, package_names[nth],
            o.name || '/' || package_names[nth], package_names[nth] || '/plan.sh', origin.owner_id,
            'git', format('https://example.com/%s/%s.git', o.name, package_names[nth]),
            origin.default_package_visibility, o.created_at + nth * interval '1 day'
        FROM demo.origins AS o
        JOIN origins AS origin USING (name)
        CROSS JOIN LATERAL generate_series(
            1, least((o.last_package - o.first_package) / 10 + 1, array_length(package_names, 1))
        ) AS nth
        WHERE o.shard = this_shard AND o.number % 3 = 0
        ORDER BY o.number, nth;

        -- One row per release of a package. Times are spread over all packages in steps of a large
        -- prime, so that each is different.
        CREATE TABLE origin_packages (
            id bigint PRIMARY KEY,
            origin_id bigint REFERENCES origins (id),
            owner_id bigint,
            name text,
            ident text UNIQUE,
            checksum text,
            manifest text,
            config text,
            target text,
            deps text,
            tdeps text,
            exposes text,
            scheduler_sync boolean DEFAULT false,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz,
            visibility text NOT NULL DEFAULT 'public'
        );
        INSERT INTO origin_packages
        SELECT
            demo.id(p.created_at, p.number, o.shard), origin.id, origin.owner_id, p.name, p.ident,
            md5(p.ident) || md5(reverse(p.ident)),
            format(
                E'# %s / %s\n\n* __Maintainer__: The %s Maintainers <%s@example.com>\n'
                '* __Version__: %s\n* __Architecture__: x86_64\n* __Target__: %s\n'
                '* __Build Dependencies__: core/gcc core/make',
                o.name, p.name, o.name, o.name, p.version, p.target
            ),
            CASE WHEN p.nth % 5 = 0 THEN format(E'port = %s\nlog_level = "info"', 8000 + p.nth % 1000) END,
            p.target, 'core/glibc:core/openssl', 'core/glibc:core/openssl:core/zlib:core/cacerts',
            CASE WHEN p.nth % 5 = 0 THEN '8080:9631' ELSE '' END,
            true, p.created_at, p.created_at,
            CASE WHEN p.nth % 50 = 49 THEN 'private' ELSE origin.default_package_visibility END
        FROM demo.origins AS o
        JOIN origins AS origin USING (name)
        CROSS JOIN LATERAL (
            SELECT
                number,
                nth,
                name,
                version,
                created_at,
                CASE WHEN nth % 7 = 6 THEN 'x86_64-windows' ELSE 'x86_64-linux' END AS target,
                format('%s/%s/%s/%s', o.name, name, version, to_char(created_at, 'YYYYMMDDHH24MISS')) AS ident
            FROM demo.size
            CROSS JOIN LATERAL generate_series(o.first_package, o.last_package - 1) AS number
            CROSS JOIN LATERAL (
                SELECT
                    number - o.first_package,
                    timestamptz '2017-09-01 00:00:00.250Z'
                        + number * 15485863::bigint % packages * interval '61.007s'
            ) AS place (nth, created_at)
            CROSS JOIN LATERAL (
                SELECT
                    package_names[1 + nth % array_length(package_names, 1)],
                    format('1.%s.%s', nth / array_length(package_names, 1) / 10, nth / array_length(package_names, 1) % 10)
            ) AS label (name, version)
        ) AS p
        WHERE o.shard = this_shard
        ORDER BY o.number, p.number;

        -- One row per channel that packages are promoted to.
        CREATE TABLE origin_channels (
            id bigint PRIMARY KEY,
            origin_id bigint REFERENCES origins (id),
            owner_id bigint,
            name text,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz,
            UNIQUE (origin_id, name)
        );
        INSERT INTO origin_channels
        SELECT
            demo.id(origin.created_at, nth, this_shard), origin.id, origin.owner_id, channel,
            origin.created_at
        FROM origins AS origin
        CROSS JOIN unnest('{unstable,stable}'::text[]) WITH ORDINALITY AS named (channel, nth);

        -- One row per package in a channel.
        CREATE TABLE origin_channel_packages (
            channel_id bigint REFERENCES origin_channels (id) ON DELETE CASCADE,
            package_id bigint REFERENCES origin_packages (id),
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz,
            PRIMARY KEY (channel_id, package_id)
        );
        INSERT INTO origin_channel_packages
        SELECT channel.id, package.id, package.created_at
        FROM origin_packages AS package
        JOIN origin_channels AS channel USING (origin_id)
        WHERE channel.name = 'stable' AND package.visibility = 'public' AND package.id >> 13 & 3 = 0;

        -- One row per migration that was applied to this shard.
        CREATE TABLE builder_db_migrations (
            id bigint PRIMARY KEY,
            prefix text NOT NULL,
            hashed_content varchar(64),
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz
        );
        INSERT INTO builder_db_migrations
        SELECT
            demo.id(made_at, nth, this_shard), 'originsrv',
            encode(sha256(convert_to('originsrv ' || nth, 'UTF8')), 'hex'), made_at
        FROM generate_series(1, 42) AS nth
        CROSS JOIN LATERAL (SELECT timestamptz '2017-05-19 20:00Z' + nth * interval '5 days') AS made (made_at);

        COMMIT;
    END LOOP;
    RESET session_replication_role;
    RESET jit;
    RESET search_path;
END
$$;
