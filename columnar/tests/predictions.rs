//! Predictions from batches equal those from lists of posts, whatever the types of the columns and the sizes of the batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, StringDictionaryBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int16Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int32Array, LargeStringArray, ListArray, NullArray, RecordBatch,
    RecordBatchIterator, RecordBatchReader, StringArray, StringViewArray, StructArray,
};
use arrow_schema::{ArrowError, DataType};
use columnar::{
    CHECKSUM_KEY, Columns, CorpusCounts, Grouped, MODEL_KEY, Model, Predictions, SCHEMA_VERSION,
    VERSION_KEY,
};
use futures_lite::future::block_on;
use model_core::prediction::UserPrediction;
use model_core::prediction_table::strongest_words;
use model_core::text::Segmenter;
use rand::{Rng, SeedableRng, rngs::StdRng};

#[path = "../../trainer/tests/common/model.rs"]
mod model;

use model::{WORDS, untrained};

fn load() -> Arc<Model> {
    let mut bundle = untrained();
    bundle.card.name = "made up".into();
    Arc::new(Model::on_cpu(&bundle.to_bytes().unwrap()).unwrap())
}

/// Users with posts of random words.
fn users(count: usize) -> Vec<Vec<String>> {
    let mut random = StdRng::seed_from_u64(5);
    let mut post = |_| {
        let words = (0..random.random_range(1..9)).map(|_| WORDS[random.random_range(0..6)]);
        words.collect::<Vec<_>>().join(" ")
    };
    (0..count)
        .map(|user| (0..=user % 5).map(&mut post).collect())
        .collect()
}

/// A table of these columns in batches of `rows` rows.
fn table(columns: &[(&str, ArrayRef)], rows: usize) -> impl RecordBatchReader + use<> {
    let whole = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
    let starts = (0..whole.num_rows()).step_by(rows);
    let batches: Vec<_> = starts
        .map(|start| Ok(whole.slice(start, rows.min(whole.num_rows() - start))))
        .collect();
    RecordBatchIterator::new(batches, whole.schema())
}

fn predict(source: impl RecordBatchReader) -> Result<Vec<RecordBatch>, ArrowError> {
    Predictions::new(load(), source, &Columns::default())?.collect()
}

/// All rows in one batch.
fn whole(batches: &[RecordBatch]) -> RecordBatch {
    arrow_select::concat::concat_batches(&batches[0].schema(), batches).unwrap()
}

fn strings(array: &dyn Array) -> Vec<Option<String>> {
    let array = array.as_string::<i32>();
    array.iter().map(|value| value.map(str::to_owned)).collect()
}

fn field<'a>(array: &'a dyn Array, name: &str) -> &'a ArrayRef {
    array.as_struct().column_by_name(name).unwrap()
}

/// Checks the row of a user against the prediction from the list of posts, to the last bit.
fn check(batch: &RecordBatch, row: usize, wanted: &UserPrediction) {
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let count = |name: &str| column(name).as_primitive::<Int64Type>().value(row);
    assert!(column("error").is_null(row));
    assert_eq!(count("words"), wanted.words as i64);
    assert_eq!(count("known_words"), wanted.known_words as i64);
    let check = |of_attribute: &StructArray,
                 label: &Option<String>,
                 confident,
                 classes: &[(String, f32)]| {
        assert_eq!(&strings(field(of_attribute, "label"))[row], label);
        assert_eq!(
            field(of_attribute, "confident").as_boolean().value(row),
            confident
        );
        let probabilities = field(of_attribute, "probabilities");
        for (class, probability) in classes {
            let found = field(probabilities, class).as_primitive::<Float32Type>();
            assert_eq!(f32::to_bits(found.value(row)), f32::to_bits(*probability));
        }
    };
    for (name, prediction) in wanted.predictions.iter() {
        let of_attribute = column(name).as_struct();
        check(
            of_attribute,
            &prediction.label,
            prediction.confident,
            &prediction.probabilities.0,
        );
        assert_eq!(
            strings(field(of_attribute, "status"))[row].as_deref(),
            Some("measured")
        );
        if let Some(coarse) = &prediction.coarse {
            let of_coarse = field(of_attribute, "coarse").as_struct();
            check(
                of_coarse,
                &coarse.label,
                coarse.confident,
                &coarse.probabilities.0,
            );
        }
    }
}

/// The columns `user` and `text` with a row for each post.
fn posts(users: &[Vec<String>]) -> (Vec<i32>, Vec<&str>) {
    let numbered = (100..).zip(users);
    numbered
        .flat_map(|(id, posts)| posts.iter().map(move |post| (id, post.as_str())))
        .unzip()
}

#[test]
fn batches_of_any_size_and_type_give_the_same_numbers() {
    let users = users(60);
    let wanted = block_on(load().predictor.predict(&users)).unwrap();
    let (ids, texts) = posts(&users);
    let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let names = || names.iter().map(String::as_str);
    let ids: [ArrayRef; 4] = [
        Arc::new(Int32Array::from(ids.clone())),
        Arc::new(StringArray::from_iter_values(names())),
        Arc::new(StringViewArray::from_iter_values(names())),
        Arc::new(LargeStringArray::from_iter_values(names())),
    ];
    let mut dictionary = StringDictionaryBuilder::<Int16Type>::new();
    texts.iter().for_each(|text| dictionary.append_value(text));
    let texts: [ArrayRef; 4] = [
        Arc::new(StringArray::from(texts.clone())),
        Arc::new(LargeStringArray::from(texts.clone())),
        Arc::new(StringViewArray::from(texts.clone())),
        Arc::new(dictionary.finish()),
    ];
    for ((ids, texts), rows) in ids.iter().zip(&texts).zip([1, 7, 50, 1000]) {
        let source = table(&[("User ID", ids.clone()), ("text", texts.clone())], rows);
        let found = whole(&predict(source).unwrap());
        assert_eq!(found.num_rows(), users.len());
        assert_eq!(found.column(0).data_type(), ids.data_type());
        for (row, wanted) in wanted.iter().enumerate() {
            check(&found, row, wanted);
        }
    }
}

#[test]
fn a_row_with_a_list_of_posts_is_a_user() {
    let users = users(9);
    let wanted = block_on(load().predictor.predict(&users)).unwrap();
    let mut lists = ListBuilder::new(StringBuilder::new());
    for posts in &users {
        lists.append_value(posts.iter().map(Some));
    }
    lists.append_null();
    let lists: ListArray = lists.finish();
    let large = arrow_cast::cast(
        &lists,
        &DataType::LargeList(Arc::new(arrow_schema::Field::new_list_field(
            DataType::LargeUtf8,
            true,
        ))),
    );
    for lists in [Arc::new(lists) as ArrayRef, large.unwrap()] {
        // The same id twice is two users: each row has all posts of one.
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["a"; 10]));
        let found = whole(&predict(table(&[("id", ids), ("posts", lists)], 4)).unwrap());
        for (row, wanted) in wanted.iter().enumerate() {
            check(&found, row, wanted);
        }
        // A user without posts has no words.
        let words = found.column(1).as_primitive::<Int64Type>();
        assert_eq!((found.num_rows(), words.value(9)), (10, 0));
        assert!(
            found
                .column_by_name("gender")
                .is_some_and(|gender| gender.is_valid(9))
        );
    }
}

#[test]
fn rows_without_ids_are_users_and_numbered() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![
        Some("rain tea"),
        None,
        Some("essay"),
    ]));
    let found = whole(&predict(table(&[("text", texts)], 2)).unwrap());
    let ids = found.column(0).as_primitive::<Int64Type>();
    assert_eq!(ids.values(), &[1, 2, 3]);
    let words = found.column(1).as_primitive::<Int64Type>();
    assert_eq!(words.values(), &[2, 0, 1]);
    let nothing: ArrayRef = Arc::new(NullArray::new(2));
    assert_eq!(
        whole(&predict(table(&[("text", nothing)], 2)).unwrap()).num_rows(),
        2
    );
}

#[test]
fn a_bad_row_has_an_error_and_the_others_a_prediction() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec![
        Some("a"),
        None,
        Some("b"),
        Some("a"),
        None,
    ]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["rain tea"; 5]));
    let columns = [("user", ids), ("text", texts)];
    let found = whole(&predict(table(&columns, 3)).unwrap());
    let errors = strings(found.column_by_name("error").unwrap());
    let says = |row: usize, what: &str| {
        errors[row]
            .as_ref()
            .is_some_and(|error| error.contains(what))
    };
    assert!(errors[0].is_none() && errors[2].is_none(), "{errors:?}");
    assert!(
        says(1, "id of the user is null") && says(4, "is null"),
        "{errors:?}"
    );
    assert!(says(3, "not consecutive"), "{errors:?}");
    for column in ["words", "known_words", "age", "gender"] {
        let column = found.column_by_name(column).unwrap();
        assert!(column.is_null(1) && column.is_null(3) && column.is_valid(2));
    }

    let grouped = Grouped::new(table(&columns, 2), &Columns::default()).unwrap();
    let found = whole(&predict(grouped).unwrap());
    let ids = strings(found.column(0));
    assert_eq!(
        ids,
        [Some("a".to_owned()), None, Some("b".to_owned()), None]
    );
    assert_eq!(found.column(1).as_primitive::<Int64Type>().value(0), 4);
}

#[test]
fn a_column_of_ids_without_values_was_refused() {
    let ids: ArrayRef = Arc::new(NullArray::new(2));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["rain"; 2]));
    let found = whole(&predict(table(&[("user", ids), ("text", texts)], 2)).unwrap());
    let errors = strings(found.column_by_name("error").unwrap());
    let null = || Some("the id of the user is null".to_owned());
    assert_eq!(errors, [null(), null()]);
}

#[test]
fn evidence_is_that_of_an_explanation() {
    let users = users(20);
    let model = load();
    let (ids, texts) = posts(&users);
    let columns: [(&str, ArrayRef); 2] = [
        ("user", Arc::new(Int32Array::from(ids))),
        ("text", Arc::new(StringArray::from(texts))),
    ];
    let source = table(&columns, 7);
    let predictions = Predictions::new(model.clone(), source, &Columns::default()).unwrap();
    let batches: Result<Vec<_>, _> = predictions.with_evidence(2).collect();
    let found = whole(&batches.unwrap());
    let names = ["age_evidence", "age_coarse_evidence", "gender_evidence"];
    let mut words = 0;
    for (row, posts) in users.iter().enumerate() {
        let explanation = block_on(model.predictor.explain(posts)).unwrap();
        let wanted = strongest_words(&explanation, posts, 2);
        for (name, wanted) in names.iter().zip(&wanted) {
            let lists = found.column_by_name(name).unwrap().as_list::<i32>();
            let list = lists.value(row);
            let values = field(&list, "evidence").as_primitive::<Float32Type>();
            let spellings = strings(field(&list, "word")).into_iter().flatten();
            let list: Vec<_> = spellings.zip(values.values().iter().copied()).collect();
            assert_eq!(&list, wanted);
            words += list.len();
        }
        check(&found, row, &explanation.prediction);
    }
    assert!(words > 0);
    // A user without a prediction has no list.
    let columns: [(&str, ArrayRef); 2] = [
        ("user", Arc::new(StringArray::from(vec![None, Some("a")]))),
        ("text", Arc::new(StringArray::from(vec!["rain", "tea"]))),
    ];
    let source = table(&columns, 2);
    let predictions = Predictions::new(model, source, &Columns::default()).unwrap();
    let batches: Result<Vec<_>, _> = predictions.with_evidence(1).collect();
    let lists = whole(&batches.unwrap());
    let lists = lists.column_by_name("gender_evidence").unwrap();
    assert!(lists.is_null(0) && lists.is_valid(1));
}

#[test]
fn counts_of_parts_add_up() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec![
        Some("a"),
        Some("a"),
        None,
        Some("b"),
        Some("c"),
        Some("a"),
    ]));
    let texts = [
        Some("rain tea"),
        None,
        Some("tea"),
        Some("rain"),
        Some("tea, tea"),
        Some("tea"),
    ];
    let columns: [(&str, ArrayRef); 4] = [
        ("user", ids),
        ("text", Arc::new(StringArray::from(texts.to_vec()))),
        (
            "sex",
            Arc::new(StringArray::from(vec![
                None,
                Some(" f "),
                Some("m"),
                Some("m"),
                Some(""),
                None,
            ])),
        ),
        (
            "age",
            Arc::new(Float64Array::from(vec![
                Some(24.0),
                Some(9.0),
                None,
                None,
                Some(24.5),
                None,
            ])),
        ),
    ];
    let names = ["gender", "age"].map(str::to_owned);
    let count = |rows: std::ops::Range<usize>, size: usize| {
        let whole = RecordBatch::try_from_iter(columns.clone()).unwrap();
        let columns = Columns::default();
        let mut counts = CorpusCounts::new(&whole.schema(), &columns, names.to_vec()).unwrap();
        for start in rows.clone().step_by(size) {
            let batch = whole.slice(start, size.min(rows.end - start));
            counts.add(&batch, &Segmenter::new()).unwrap();
        }
        let counted = counts.finish().unwrap();
        let [attributes, classes] = [0, 1].map(|place| strings(counted.column(place)));
        let keys = attributes.into_iter().zip(classes);
        let number =
            |row, place: usize| counted.column(place).as_primitive::<Int64Type>().value(row);
        let numbers =
            (0..counted.num_rows()).map(|row| [2, 3, 4, 5].map(|place| number(row, place)));
        keys.zip(numbers).collect::<BTreeMap<_, _>>()
    };
    let key = |attribute: &str, class: Option<&str>| {
        (Some(attribute.to_owned()), class.map(str::to_owned))
    };
    let wanted = BTreeMap::from([
        ((None, None), [3, 4, 5, 2]),
        (key("gender", None), [1, 1, 2, 0]),
        (key("gender", Some("f")), [1, 2, 2, 0]),
        (key("gender", Some("m")), [1, 1, 1, 0]),
        (key("age", None), [1, 1, 1, 0]),
        (key("age", Some("24")), [1, 2, 2, 0]),
        (key("age", Some("24.5")), [1, 1, 2, 0]),
    ]);
    for size in [1, 2, 6] {
        assert_eq!(count(0..6, size), wanted);
    }
    // The parts are cut between users, and the last row is read as a user's where the first rows are elsewhere.
    let mut sums = count(0..3, 2);
    for (key, numbers) in count(3..5, 2) {
        let sum = sums.entry(key).or_default();
        sum.iter_mut()
            .zip(numbers)
            .for_each(|(sum, number)| *sum += number);
    }
    let mut without_last = wanted;
    without_last.get_mut(&(None, None)).unwrap()[3] -= 1;
    assert_eq!(sums, without_last);
    assert_eq!(count(0..0, 1), BTreeMap::from([((None, None), [0; 4])]));
}

#[test]
fn columns_of_labels_that_cannot_be_read_are_named() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["rain"]));
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("f")]);
    let columns = [
        ("text", texts),
        ("gender", Arc::new(lists.finish()) as ArrayRef),
    ];
    for (name, what) in [
        ("gender", "labels must be text, numbers or booleans"),
        (
            "town",
            "no column of labels \"town\"; its columns are: text, gender",
        ),
    ] {
        let schema = table(&columns, 1).schema();
        let counts = CorpusCounts::new(&schema, &Columns::default(), vec![name.into()]);
        let error = counts.err().unwrap().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn the_schema_says_where_it_comes_from() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["rain"]));
    let source = table(&[("text", texts)], 1);
    let model = load();
    let predictions = Predictions::new(model.clone(), source, &Columns::default()).unwrap();
    let schema = predictions.schema();
    let metadata = |key: &str| schema.metadata()[key].as_str();
    assert_eq!(metadata(VERSION_KEY), SCHEMA_VERSION);
    assert_eq!(metadata(MODEL_KEY), "made up");
    assert_eq!(metadata(CHECKSUM_KEY), model.checksum);
    for batch in predictions {
        assert_eq!(batch.unwrap().schema(), schema);
    }
}

#[test]
fn columns_that_cannot_be_read_are_named() {
    let texts = || -> ArrayRef { Arc::new(StringArray::from(vec!["rain"])) };
    let numbers = || -> ArrayRef { Arc::new(Float64Array::from(vec![1.5])) };
    for (columns, what) in [
        (
            vec![("words", texts())],
            "no column of text is known; its columns are: words",
        ),
        (
            vec![("text", numbers())],
            "column \"text\" is of type Float64",
        ),
        (
            vec![("text", texts()), ("user", numbers())],
            "the ids of users must be integers or strings",
        ),
    ] {
        let error = predict(table(&columns, 1)).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}
