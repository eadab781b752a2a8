//! The sample data is right: each origin is where the hash of its name puts it.

use shardq::sharding::shard::Shard;

use crate::support::Db;

#[test]
fn core_is_where_builder_has_it() {
    let db = Db::with_sample(128);
    let core = db.ask("SELECT id, created_at FROM shard_30.origins WHERE name = 'core'");
    assert_eq!(core, "721096797631602718|2017-05-19 21:00:27.943+00");
}

#[test]
fn every_shard_has_its_own_and_nobody_elses() {
    let db = Db::with_sample(4);
    let union = |select: &str| {
        let each = (0..4).map(|n| select.replace("{n}", &n.to_string()));
        each.collect::<Vec<_>>().join(" UNION ALL ")
    };

    let names = db.ask(&union("SELECT {n}, name FROM shard_{n}.origins"));
    assert_eq!(names.lines().count(), 32);
    for line in names.lines() {
        let (shard, name) = line.split_once('|').unwrap();
        let expected = Shard::new(u32::try_from(fnv1a(name) % 4).unwrap());
        assert_eq!(format!("shard_{shard}"), expected.to_string(), "{name}");
    }

    for table in [
        "origins",
        "origin_packages",
        "origin_channels",
        "origin_projects",
    ] {
        let astray = union(&format!(
            "SELECT id FROM shard_{{n}}.{table} WHERE id & 8191 <> {{n}}"
        ));
        assert_eq!(db.ask(&astray), "", "{table}");
    }
    let packages = format!(
        "SELECT count(*), count(DISTINCT id), count(DISTINCT ident), max(n) FROM ({}) AS p",
        union(
            "SELECT p.id, ident, count(*) OVER (PARTITION BY o.name) AS n \
             FROM shard_{n}.origin_packages AS p JOIN shard_{n}.origins AS o ON o.id = p.origin_id"
        )
    );
    assert_eq!(db.ask(&packages), "160|160|160|53", "a third is core's");
}

/// The full definition, to check the short form in the sample's SQL.
fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
