//! Parquet and Arrow files in, Parquet files out.

mod common;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use columnar::{Columns, CorpusCounts};
use common::model::untrained;
use common::{Workplace, failure, stderr, stdout};
use model_core::text::Segmenter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("model", untrained().to_bytes().unwrap());
    workplace
}

/// Posts of three users, in no order.
const POSTS: [(i64, &str); 6] = [
    (7, "rain tea"),
    (5, "football"),
    (7, "office kitchen"),
    (9, ""),
    (5, "essay, \"tea\""),
    (7, "rain"),
];

fn posts() -> RecordBatch {
    let (ids, texts): (Vec<i64>, Vec<&str>) = POSTS.into_iter().unzip();
    batch(vec![
        ("user_id", Arc::new(Int64Array::from(ids))),
        ("text", Arc::new(StringArray::from(texts))),
    ])
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    compressed_parquet(batch, Compression::UNCOMPRESSED)
}

fn compressed_parquet(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(compression);
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow_file(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn arrow_stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let mut batches = reader.build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    batch
}

#[test]
fn parquet_and_arrow_files_are_read_as_tables() {
    let workplace = workplace();
    let records = POSTS.map(|(id, text)| serde_json::json!({"user_id": id, "text": text}));
    let lines = records.map(|record| record.to_string()).join("\n");
    workplace.write("posts.jsonl", lines);
    let wanted = workplace.success(&["predict", "model", "posts.jsonl"]);
    assert_eq!(wanted.lines().count(), 3);

    let files = [
        parquet(&posts()),
        arrow_file(&posts()),
        arrow_stream(&posts()),
    ];
    for (bytes, name) in files.iter().zip(["a.parquet", "a.arrow", "a.data"]) {
        workplace.write(name, bytes);
        assert_eq!(
            workplace.success(&["predict", "model", name]),
            wanted,
            "{name}"
        );
        let piped = workplace.run_with_input(&["predict", "model"], bytes);
        assert_eq!(stdout(piped, 0), wanted, "{name}");
    }
    for compression in [
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        workplace.write("a.parquet", compressed_parquet(&posts(), compression));
        let read = workplace.success(&["predict", "model", "a.parquet"]);
        assert_eq!(read, wanted, "{compression}");
    }
    // Compressed as a whole, in an archive, and in a folder as Spark writes it.
    let packed = zstd::encode_all(files[0].as_slice(), 1).unwrap();
    workplace.write("a.parquet.zst", packed);
    let mut zip = zip::ZipWriter::new(File::create(workplace.path("a.zip")).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("part-0.parquet", options).unwrap();
    zip.write_all(&files[0]).unwrap();
    zip.finish().unwrap();
    std::fs::create_dir(workplace.path("folder")).unwrap();
    workplace.write("folder/part-0.parquet", &files[0]);
    workplace.write("folder/_SUCCESS", "");
    for name in ["a.parquet.zst", "a.zip", "folder"] {
        assert_eq!(
            workplace.success(&["predict", "model", name]),
            wanted,
            "{name}"
        );
    }
}

/// Polars' files could not be read: their stream begins in another way, which the footer's places do not depend on.
#[test]
fn arrow_files_were_read_without_their_footer() {
    let workplace = workplace();
    let bytes = arrow_file(&posts());
    workplace.write("posts.arrow", &bytes);
    let wanted = workplace.success(&["predict", "model", "posts.arrow"]);
    let mut other = bytes.clone();
    // The mark, and the schema of the stream, which the footer has too.
    let schema = 8..8 + 8 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    other[schema].fill(0xEE);
    workplace.write("other.arrow", &other);
    assert_eq!(
        workplace.success(&["predict", "model", "other.arrow"]),
        wanted
    );
    workplace.write("cut.arrow", &bytes[..bytes.len() - 20]);
    let line = workplace.failure(&["predict", "model", "cut.arrow"]);
    assert!(line.ends_with("it is cut off"), "{line}");
}

#[test]
fn bytes_of_columns_that_are_not_utf_8_were_replaced_without_a_word() {
    let workplace = workplace();
    let texts: Vec<&[u8]> = vec![b"rain tea", b"\xff\xfe essay"];
    let ids = Int64Array::from(vec![1, 2]);
    let batch = batch(vec![
        ("user", Arc::new(ids)),
        ("text", Arc::new(BinaryArray::from(texts))),
    ]);
    workplace.write("posts.parquet", parquet(&batch));
    let said = stderr(&workplace.run(&["predict", "model", "posts.parquet"]));
    assert!(said.contains("2 bytes that are not UTF-8"), "{said}");
}

#[test]
fn labels_in_parquet_were_refused_with_the_advice_to_use_the_command_line() {
    let workplace = workplace();
    workplace.write("posts.jsonl", "{\"user\": 1, \"text\": \"tea\"}\n");
    let labels = batch(vec![
        ("user", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("gender", Arc::new(StringArray::from(vec!["male"]))),
    ]);
    workplace.write("labels.parquet", parquet(&labels));
    let stats = [
        "corpus",
        "stats",
        "posts.jsonl",
        "--json",
        "--labels",
        "labels.parquet",
    ];
    let counts: Value = serde_json::from_str(&workplace.success(&stats)).unwrap();
    assert_eq!(counts["attributes"]["gender"]["classes"]["male"], 1);
}

#[test]
fn dates_with_the_name_of_a_time_zone_were_refused() {
    let workplace = workplace();
    for zone in ["UTC", "Europe/Berlin", "+02:00"] {
        let times = TimestampMillisecondArray::from(vec![1_700_000_000_000, 1_600_000_000_000]);
        let posts = batch(vec![
            ("user_id", Arc::new(Int64Array::from(vec![7, 7]))),
            ("text", Arc::new(StringArray::from(vec!["late", "soon"]))),
            ("created_at", Arc::new(times.with_timezone(zone))),
        ]);
        for bytes in [parquet(&posts), arrow_file(&posts)] {
            workplace.write("posts", bytes);
            workplace.success(&["corpus", "convert", "posts", "-o", "users.jsonl"]);
            let user = std::fs::read_to_string(workplace.path("users.jsonl")).unwrap();
            let user: Value = serde_json::from_str(&user).unwrap();
            assert_eq!(user["posts"], serde_json::json!(["soon", "late"]), "{zone}");
            assert_eq!(user["created_at"], "2023-11-14T22:13:20Z", "{zone}");
        }
    }
}

#[test]
fn lists_of_posts_and_labels_are_read() {
    let workplace = workplace();
    let mut lists = ListBuilder::new(StringBuilder::new());
    for (_, text) in POSTS {
        lists.append_value([Some(text), Some("tea")]);
    }
    let genders = ["female", "male", "female", "male", "female", "male"];
    let ages = [
        Some(13.0),
        None,
        Some(14.0),
        Some(33.0),
        Some(50.0),
        Some(f64::NAN),
    ];
    let texts = BinaryArray::from_iter_values(["a", "b", "c", "d", "e", "f"]);
    let users = batch(vec![
        ("id", Arc::new(texts)),
        ("posts", Arc::new(lists.finish())),
        ("sex", Arc::new(StringArray::from(genders.to_vec()))),
        ("age", Arc::new(Float64Array::from(ages.to_vec()))),
    ]);
    workplace.write("users.parquet", parquet(&users));
    let statistics = workplace.success(&["corpus", "stats", "users.parquet"]);
    for what in ["| users |     6 |", "female", "male", "33"] {
        assert!(statistics.contains(what), "{what}: {statistics}");
    }
    assert!(!statistics.contains("33.0"), "{statistics}");
    let scores = workplace.success(&["evaluate", "model", "users.parquet"]);
    assert!(scores.contains("gender"), "{scores}");
    let first = workplace.success(&["predict", "model", "users.parquet"]);
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!((&first["id"], &first["words"]), (&"a".into(), &3.into()));
}

#[test]
fn parquet_output_has_the_numbers_of_the_other_formats() {
    let workplace = workplace();
    workplace.write("posts.parquet", parquet(&posts()));
    let lines = workplace.success(&["predict", "model", "posts.parquet"]);
    workplace.success(&["predict", "model", "posts.parquet", "-o", "out.parquet"]);
    let batch = read(&workplace.path("out.parquet"));
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let field =
        |array: &ArrayRef, name: &str| array.as_struct().column_by_name(name).unwrap().clone();
    assert_eq!(batch.num_rows(), 3);
    assert_eq!(column("error").null_count(), 3);
    for (row, line) in lines.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        let id = column("id").as_string::<i32>().value(row);
        assert_eq!(line["id"].to_string(), id);
        let words = column("known_words").as_primitive::<Int64Type>().value(row);
        assert_eq!(line["known_words"], words);
        for (attribute, prediction) in line["predictions"].as_object().unwrap() {
            let found = column(attribute);
            let labels = field(found, "label");
            let labels = labels.as_string::<i32>();
            let label = (!labels.is_null(row)).then(|| labels.value(row));
            assert_eq!(prediction["label"].as_str(), label);
            let probabilities = field(found, "probabilities");
            for (class, probability) in prediction["probabilities"].as_object().unwrap() {
                let value = field(&probabilities, class);
                let value = value.as_primitive::<Float32Type>().value(row);
                let wanted: f32 = probability.to_string().parse().unwrap();
                assert_eq!(value.to_bits(), wanted.to_bits());
            }
        }
    }
    let selected = ["--attribute", "gender", "-o", "gender.parquet"];
    workplace.success(&[&["predict", "model", "posts.parquet"], &selected[..]].concat());
    let file = File::open(workplace.path("gender.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema();
    assert!(
        schema.column_with_name("gender").is_some() && schema.column_with_name("age").is_none()
    );
    assert_eq!(schema.metadata()["auxlstm.schema_version"], "1");
    let to_stdout =
        workplace.failure(&["predict", "model", "posts.parquet", "--format", "parquet"]);
    assert!(to_stdout.ends_with("name it with -o FILE"), "{to_stdout}");
}

#[test]
fn parquet_output_has_copied_fields_and_words() {
    let workplace = workplace();
    let users = r#"{"id": 1, "city": "Bern", "words": 5, "posts": ["tea rain tea", "office"]}
{"id": 2, "city": null, "posts": []}
"#;
    workplace.write("users.jsonl", users);
    let flags = ["--keep", "city", "--keep", "words", "--evidence", "2"];
    let command = [&["predict", "model", "users.jsonl"], &flags[..]].concat();
    let with_misspelt = ["-o", "out.parquet", "--keep", "citty"];
    let output = workplace.run(&[&command[..], &with_misspelt].concat());
    let said = common::stderr(&output);
    assert!(
        said.contains("--keep citty: no record has this field"),
        "{said}"
    );
    let lines = workplace.success(&[&command[..], &["--format", "jsonl"]].concat());
    let batch = read(&workplace.path("out.parquet"));
    let text = |name: &str, row: usize| {
        let column = batch.column_by_name(name).unwrap().as_string::<i32>();
        (!column.is_null(row)).then(|| column.value(row).to_owned())
    };
    assert_eq!(
        [text("city", 0), text("city", 1)],
        [Some("Bern".into()), None]
    );
    assert_eq!(
        [text("record_words", 0), text("record_words", 1)],
        [Some("5".into()), None]
    );
    let mut count = 0;
    for (row, line) in lines.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        for name in ["gender_evidence", "age_evidence", "age_coarse_evidence"] {
            let lists = batch.column_by_name(name).unwrap().as_list::<i32>();
            let words = lists.value(row);
            let (spellings, values) = (words.as_struct().column(0), words.as_struct().column(1));
            let (spellings, values) = (
                spellings.as_string::<i32>(),
                values.as_primitive::<Float32Type>(),
            );
            let found: Vec<String> = (spellings.iter().flatten().zip(values.values()))
                .map(|(word, evidence)| format!("{word}:{evidence:.2}"))
                .collect();
            assert_eq!(line[name], found.join(" "), "{name}");
            count += found.len();
        }
    }
    assert!(count > 0);
}

/// Destroys the values of a column of a Parquet file with one group of rows.
fn destroy_column(path: &Path, name: &str) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let (place, _) = reader.schema().column_with_name(name).unwrap();
    let (start, length) = reader.metadata().row_group(0).column(place).byte_range();
    let mut bytes = std::fs::read(path).unwrap();
    bytes[start as usize..(start + length) as usize].fill(0xff);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn columns_that_are_not_needed_are_not_decoded() {
    let workplace = workplace();
    let genders = ["female", "male", "female", "male", "male", "female"];
    let photos = ["1", "2", "3", "4", "5", "6"];
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("photo", Arc::new(StringArray::from(photos.to_vec()))),
        ("city", Arc::new(StringArray::from(vec!["Bern"; 6]))),
        ("sex", Arc::new(StringArray::from(genders.to_vec()))),
    ];
    let posts = posts();
    let schema = posts.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    columns.extend(names.zip(posts.columns().iter().cloned()));
    let path = workplace.path("posts.parquet");
    let file = parquet(&batch(columns));

    let commands: [&[&str]; 6] = [
        &["predict", "model"],
        &["predict", "model", "--format", "csv", "--keep", "city"],
        &["evaluate", "model", "--by", "city"],
        &["corpus", "stats", "--attribute", "gender"],
        &["segment"],
        &["embed", "-o", "vectors.bin", "--min-count", "1"],
    ];
    for command in commands {
        let mut command = command.to_vec();
        let at = command.iter().take_while(|word| !word.starts_with('-'));
        command.insert(at.count(), "posts.parquet");
        workplace.write("posts.parquet", &file);
        let wanted = workplace.success(&command);
        destroy_column(&path, "photo");
        assert_eq!(workplace.success(&command), wanted, "{command:?}");
    }
    // The column is destroyed indeed.
    let kept = ["--format", "csv", "--keep", "photo"];
    let line = workplace.failure(&[&["predict", "model", "posts.parquet"], &kept[..]].concat());
    assert!(line.contains("posts.parquet"), "{line}");
}

#[test]
fn counts_of_shards_add_up_to_those_of_the_statistics() {
    let workplace = workplace();
    let mut posts = POSTS;
    posts.sort();
    let (ids, texts): (Vec<i64>, Vec<&str>) = posts.into_iter().unzip();
    let genders = [Some("f"), Some("m"), None, Some("m"), None, None];
    let all = batch(vec![
        ("sex", Arc::new(StringArray::from(genders.to_vec()))),
        ("user_id", Arc::new(Int64Array::from(ids))),
        ("text", Arc::new(StringArray::from(texts))),
    ]);
    workplace.write("posts.parquet", parquet(&all));
    let stats = [
        "corpus",
        "stats",
        "posts.parquet",
        "--attribute",
        "gender",
        "--json",
    ];
    let stats: Value = serde_json::from_str(&workplace.success(&stats)).unwrap();

    let mut sums = BTreeMap::<(Option<String>, Option<String>), [i64; 3]>::new();
    for shard in [all.slice(0, 2), all.slice(2, 4)] {
        let attributes = vec!["gender".to_owned()];
        let columns = Columns::default();
        let mut counts = CorpusCounts::new(&all.schema(), &columns, attributes).unwrap();
        counts.add(&shard, &Segmenter::new()).unwrap();
        let counts = counts.finish().unwrap();
        let text = |place: usize, row| {
            let column = counts.column(place).as_string::<i32>();
            (!column.is_null(row)).then(|| column.value(row).to_owned())
        };
        for row in 0..counts.num_rows() {
            let sum = sums.entry((text(0, row), text(1, row))).or_default();
            for (place, sum) in sum.iter_mut().enumerate() {
                *sum += counts
                    .column(place + 2)
                    .as_primitive::<Int64Type>()
                    .value(row);
            }
        }
    }
    let all = sums.remove(&(None, None)).unwrap();
    assert_eq!(
        all.map(Value::from),
        ["users", "posts", "words"].map(|name| stats[name].clone())
    );
    let gender = &stats["attributes"]["gender"];
    let unknown = sums.remove(&(Some("gender".into()), None)).unwrap()[0];
    assert_eq!((unknown, &gender["unknown"]), (1, &1.into()));
    let classes = gender["classes"].as_object().unwrap();
    assert_eq!(sums.len(), classes.len());
    for ((_, class), [users, ..]) in sums {
        assert_eq!(classes[&class.unwrap()], users);
    }
}

#[test]
fn damaged_columnar_files_are_refused_in_one_line() {
    let workplace = workplace();
    let whole = parquet(&posts());
    for (name, bytes) in [
        ("short.parquet", &whole[..whole.len() - 9]),
        ("head.parquet", &whole[..4]),
        ("short.arrow", &arrow_file(&posts())[..100]),
        ("short.stream", &arrow_stream(&posts())[..60]),
    ] {
        workplace.write(name, bytes);
        let line = failure(workplace.run(&["predict", "model", name]));
        assert!(line.contains(name), "{line}");
    }
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    workplace.write("numbers.parquet", parquet(&batch(vec![("likes", numbers)])));
    let line = workplace.failure(&["predict", "model", "numbers.parquet"]);
    assert!(line.contains("its columns are: likes"), "{line}");
}
