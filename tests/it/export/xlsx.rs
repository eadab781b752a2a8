//! Excel workbooks, read back with somebody else's reader.

use std::path::Path;

use calamine::{Data, Reader, Xlsx, open_workbook};

use crate::support::{ANY, Db, export, folder, has, has_all, verify};

fn sheet(file: &Path, name: &str) -> Vec<Vec<Data>> {
    let mut workbook: Xlsx<_> = open_workbook(file).unwrap();
    let range = workbook.worksheet_range(name).unwrap();
    range.rows().map(<[Data]>::to_vec).collect()
}

fn text(value: &str) -> Data {
    Data::String(value.to_owned())
}

#[test]
fn cells_have_types_where_the_value_stays_what_it_is() {
    let db = Db::with_shards(2);
    db.in_each_shard(
        "CREATE TABLE t (id int8, small int2, price numeric(10,2), ratio float8, ok bool, \
           day date, local timestamp, at timestamptz, formula text, bare numeric); \
         INSERT INTO t VALUES (721096797631602718, -1, 1.10, 0.1, true, '2017-05-19', \
           '2017-05-19 12:00:00', '2017-05-19 21:00:27+00', '=1+1', 'NaN'); \
         INSERT INTO t (id, day, local) VALUES \
           (1, '1899-12-31', '2017-05-19 12:00:00.000001')",
    );
    let folder = folder();
    let file = folder.path().join("t.xlsx");
    export(&db, "SELECT * FROM t ORDER BY id DESC", &file)
        .run()
        .assert(0, "", has("4 rows · 2/2 shards"));
    verify(&file).run().assert(0, "", has_all(["4 rows", "OK"]));

    let rows = sheet(&file, "Result");
    let header: Vec<_> = rows[0].iter().map(ToString::to_string).collect();
    assert_eq!(
        header.join(" "),
        "shard id small price ratio ok day local at formula bare"
    );
    assert_eq!(rows.len(), 5);
    let [
        shard,
        id,
        small,
        price,
        ratio,
        ok,
        day,
        local,
        at,
        formula,
        bare,
    ] = &rows[1][..]
    else {
        panic!("{:?}", rows[1]);
    };
    assert_eq!((shard, id), (&text("shard_0"), &text("721096797631602718")));
    assert_eq!(
        (small, price, ratio),
        (&Data::Float(-1.0), &Data::Float(1.1), &Data::Float(0.1))
    );
    assert_eq!(ok, &Data::Bool(true));
    let days = |data: &Data| match data {
        Data::DateTime(time) => time.as_f64(),
        other => panic!("{other:?}"),
    };
    assert_eq!((days(day), days(local)), (42874.0, 42874.5));
    assert_eq!(at, &text("2017-05-19 21:00:27+00"));
    assert_eq!((formula, bare), (&text("=1+1"), &text("NaN")));
    // Days and times that a worksheet does not have, and NULL.
    assert_eq!(rows[2][1], Data::Float(1.0));
    assert_eq!(rows[2][2], Data::Empty);
    assert_eq!(rows[2][6], text("1899-12-31"));
    assert_eq!(rows[2][7], text("2017-05-19 12:00:00.000001"));
}

#[test]
fn a_second_sheet_says_what_was_queried() {
    let db = Db::with_shards(2);
    let folder = folder();
    let file = folder.path().join("t.xlsx");
    let sql = "SELECT 7 AS n";
    export(&db, sql, &file)
        .args(["-g"])
        .run()
        .assert(0, "", ANY);
    assert_eq!(sheet(&file, "Result"), [[text("n")], [Data::Float(7.0)]]);
    let about = sheet(&file, "About");
    let value = |name: &str| {
        let row = about.iter().find(|row| row[0] == text(name));
        row.map(|row| row[1].to_string()).unwrap_or_default()
    };
    assert_eq!(value("statement"), sql);
    assert_eq!(value("database"), db.name());
    assert_eq!(value("rows"), "1");
    assert!(value("snapshot taken").starts_with("20"), "{about:?}");
    assert!(value("exported by").starts_with("shardq "), "{about:?}");
}

#[test]
fn what_a_workbook_cannot_hold_is_an_error_and_no_file() {
    let db = Db::with_shards(2);
    let folder = folder();
    let file = folder.path().join("t.xlsx");
    let told = "column \"long\" has a text of 32768 characters in shard_0, and a cell of a \
                worksheet holds 32767";
    export(&db, "SELECT repeat('a', 32768) AS long", &file)
        .run()
        .assert(1, "", has(told));
    assert!(!file.exists());
    let empty = folder.path().join("empty.xlsx");
    export(&db, "SELECT 1 AS n WHERE false", &empty)
        .run()
        .assert(0, "", has("0 rows"));
    assert_eq!(sheet(&empty, "Result"), [[text("shard"), text("n")]]);
    export(&db, "SELECT 1", &file)
        .args(["--allow-partial"])
        .run()
        .assert(2, "", has("Excel workbooks do not allow"));
}
