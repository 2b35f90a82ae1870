use std::io::Cursor;

use serde_json::json;

use super::*;

/// Users as their ids and posts, and problems as text.
fn read_as(text: &str, format: Format, reading: &Reading) -> (Vec<Value>, Vec<String>) {
    let (mut users, mut problems) = (Vec::new(), Vec::new());
    for user in read_users(Cursor::new(text.to_owned()), format, reading).unwrap() {
        match user {
            Ok(user) => users.push(json!([user.id(), user.posts])),
            Err(Problem::Record { line, what }) => problems.push(format!("{line}: {what}")),
            Err(Problem::Note(what)) => problems.push(what),
            Err(Problem::Stream(error)) => problems.push(error.to_string()),
        }
    }
    (users, problems)
}

fn table(text: &str) -> (Vec<Value>, Vec<String>) {
    read_as(text, Format::Csv, &Reading::default())
}

fn json_file(text: &str) -> (Vec<Value>, Vec<String>) {
    read_as(text, Format::Jsonl, &Reading::default())
}

fn header_error(text: &'static str, reading: &Reading) -> String {
    let users = read_users(text.as_bytes(), Format::Csv, reading);
    users.err().expect("the header is refused")
}

#[test]
fn rows_of_one_id_are_one_user_wherever_they_stand() {
    let (users, problems) = table("id,text,age\nann,\"a, or\nb\",\nbob,c,\nann,d,24\nbob,e,\n");
    assert_eq!(
        users,
        [
            json!(["ann", ["a, or\nb", "d"]]),
            json!(["bob", ["c", "e"]])
        ]
    );
    assert_eq!(problems, Vec::<String>::new());
    let users = read_users(
        &b"id,text,age\n1,a,\n1,b,24\n1,c,25\n"[..],
        Format::Csv,
        &Reading::default(),
    );
    let user = users.unwrap().next().unwrap().unwrap();
    assert_eq!(user.label("age").as_deref(), Some("24"));
}

#[test]
fn each_post_of_a_crawler_was_a_user() {
    let posts = r#"{"id": 1, "full_text": "a", "user": {"id": 11, "id_str": "11"}}
        {"id": 2, "full_text": "b", "user": {"id": 22, "id_str": "22"}}
        {"id": 3, "full_text": "c", "user": {"id": 11, "id_str": "11"}}"#;
    let expected = [json!(["11", ["a", "c"]]), json!(["22", ["b"]])];
    assert_eq!(json_file(posts), (expected.to_vec(), Vec::new()));
    let (users, problems) = table("id,用户ID,微博正文\n1,11,a\n2,22,b\n3,11,c\n");
    assert_eq!((users, problems.len()), (expected.to_vec(), 0));
}

#[test]
fn the_tab_behind_an_id_was_a_part_of_it() {
    let (users, _) = table("id,text,bid\n17\t, a ,x\n");
    assert_eq!(users, [json!(["17", [" a "]])]);
}

#[test]
fn records_without_a_user_are_told_once() {
    for (users, problems) in [
        table("text,bid,id\na,x,1\nb,y,2\n"),
        json_file(
            "{\"text\": \"a\", \"bid\": 7, \"id\": \"1\"}\n{\"text\": \"b\", \"bid\": 7, \"id\": \"2\"}",
        ),
    ] {
        assert_eq!(users, [json!(["1", ["a"]]), json!(["2", ["b"]])]);
        assert_eq!(problems, [EACH_A_USER]);
        // A table of one person's posts had no remedy: there is no column to state.
        assert!(EACH_A_USER.contains("add a column user with the same name in each row; --user"));
    }
    // Users whose posts are listed are whole, and named or not.
    let (users, problems) = json_file("{\"posts\": [\"a\"]}\n\n{\"posts\": [], \"id\": 7}");
    assert_eq!(users, [json!([1, ["a"]]), json!([7, []])]);
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn rows_without_an_id_among_others_were_users_without_a_word() {
    let expected = [json!([1, ["a"]]), json!(["7", ["b"]]), json!([3, ["c"]])];
    let (users, problems) = table("user_id,text\n,a\n7,b\n ,c\n");
    assert_eq!(users, expected);
    assert_eq!(problems, [format!("line 2: {NAMELESS}")]);
    let (users, problems) = json_file(
        "{\"user_id\": \"7\", \"text\": \"b\"}\n{\"user_id\": null, \"text\": \"a\"}\n{\"text\": \"c\"}\n",
    );
    assert_eq!(users.len(), 3);
    assert_eq!(problems, [format!("line 2: {NAMELESS}")]);
}

#[test]
fn ids_that_a_spreadsheet_has_rounded_were_one_user_without_a_word() {
    for rounded in ["1.23457E+17", "1.23457e+17", "1,23457E+17"] {
        let rows = format!("user_id;text\n{rounded};a\n{rounded};b\nE+;c\n");
        let (users, problems) = table(&rows);
        assert_eq!(users.len(), 2);
        assert_eq!(problems, [format!("line 2: {ROUNDED}")]);
    }
}

#[test]
fn users_as_objects_were_told_apart_by_their_followers_without_a_word() {
    let user = |followers: u32| format!("\"{{'username': 'ann', 'followers': {followers}}}\"");
    let rows = format!("text,user\na,{}\nb,{}\n", user(1), user(2));
    let (users, problems) = table(&rows);
    assert_eq!(users.len(), 2);
    assert_eq!(problems, [format!("line 2: {OBJECT_AS_TEXT}")]);
}

#[test]
fn entities_were_words_without_a_word() {
    for (text, notes) in [
        ("tea & milk; R&D; &c.", vec![]),
        ("tea &amp; milk", vec![format!("line 3: {HTML}")]),
        ("it&#39;s", vec![format!("line 3: {HTML}")]),
    ] {
        let rows = format!("user,text\n1,a\n1,{text}\n1,{text}\n");
        let expected = vec![json!(["1", ["a", text, text]])];
        assert_eq!(table(&rows), (expected, notes), "{text}");
    }
}

#[test]
fn a_number_and_the_same_digits_as_text_were_two_users() {
    let ids = r#"{"user_id": 7, "text": "a"}
        {"user_id": "7", "text": "b"}
        {"user_id": 7.0, "text": "c"}
        {"user_id": " 7 ", "text": "d"}
        {"user_id": "7.0", "text": "e"}
        {"user_id": "007", "text": "f"}
        {"user_id": "7.5", "text": "g"}
        {"user_id": 18446744073709551616, "text": "h"}
        {"user_id": "18446744073709551616", "text": "i"}"#;
    let expected = [
        json!([7, ["a", "b", "c", "d", "e"]]),
        json!(["007", ["f"]]),
        json!(["7.5", ["g"]]),
        json!(["18446744073709551616", ["h", "i"]]),
    ];
    assert_eq!(json_file(ids), (expected.to_vec(), Vec::new()));
    let sorted = Reading {
        is_sorted: true,
        ..Reading::default()
    };
    assert_eq!(read_as(ids, Format::Jsonl, &sorted).0, expected);
}

#[test]
fn ids_of_posts_were_users_without_a_word() {
    let rows = "id,date,text\n1,2024-01-02,a\n2,2024-01-01,b\n";
    let (users, problems) = table(rows);
    assert_eq!(users, [json!(["1", ["a"]]), json!(["2", ["b"]])]);
    assert_eq!(problems, [EACH_ID_ONCE]);
    for others in [
        "id,date,text\n1,2024-01-02,a\n",
        "id,date,text\n1,2024-01-02,a\n2,2024-01-01,b\n1,2024-01-01,c\n",
        "user_id,date,text\n1,2024-01-02,a\n2,2024-01-01,b\n",
        "id,text\n1,a\n2,b\n",
    ] {
        assert_eq!(table(others).1, Vec::<String>::new(), "{others}");
    }
}

#[test]
fn ids_that_were_there_once_beside_a_user_id_were_users_without_a_word() {
    for (rows, notes) in [
        (
            "id,uid,username,text\n1,1,ann,a\n2,2,ann,b\n3,3,ben,c\n",
            vec![each_once_but("username")],
        ),
        ("uid,username,text\n1,ann,a\n2,cid,b\n3,ben,c\n", vec![]),
        ("uid,username,text\n1,ann,a\n1,ann,b\n3,ann,c\n", vec![]),
    ] {
        assert_eq!(table(rows).1, notes, "{rows}");
    }
}

#[test]
fn posts_with_the_name_of_their_user_were_users_without_a_word() {
    for (rows, name) in [
        ("id,nickname,text\n1,Ann,a\n2,Ben,b\n3,Ann,c\n", "nickname"),
        ("id,From,text\n1,Ann,a\n2,Ben,b\n3,Ann,c\n", "From"),
    ] {
        assert_eq!(table(rows).1, [each_once_but(name)], "{rows}");
    }
    for rows in [
        "id,author_name,text\n1,Ann,a\n2,Ben,b\n3,Ann,c\n",
        "Id,OwnerUserId,Body\n1,Ann,a\n2,Ben,b\n3,Ann,c\n",
    ] {
        let users = [json!(["Ann", ["a", "c"]]), json!(["Ben", ["b"]])];
        assert_eq!(table(rows), (users.to_vec(), Vec::new()), "{rows}");
    }
    let posts = r#"{"id": 1, "user": {"username": "ann"}, "text": "a"}
        {"id": 2, "user": {"username": "ann"}, "text": "b"}"#;
    assert_eq!(
        json_file(posts),
        (vec![json!(["ann", ["a", "b"]])], Vec::new())
    );
}

#[test]
fn a_quote_that_another_row_closed_swallowed_rows_without_a_word() {
    let rows =
        "user\ttext\n1\t\"Be yourself\n2\tgood morning\n3\tlove this\n4\tlate night\"\n6\tfine\n";
    let (users, problems) = table(rows);
    assert_eq!(users.len(), 2);
    let [note] = &problems[..] else {
        panic!("{problems:?}")
    };
    assert!(
        note.starts_with(
            "lines 2 to 5 are one row, because of a quote that is closed only there, but 3 of them"
        ),
        "{note}"
    );
    // Lists, verses and letters are posts.
    for post in [
        "dear all,\nthis, and that\nmore",
        "a\nb\nc\nd",
        "x, y\n\nz, w\n",
    ] {
        let (_, problems) = table(&format!("user,text\n1,\"{post}\"\n2,b\n"));
        assert_eq!(problems, Vec::<String>::new(), "{post}");
    }
    let stray = "user,text\n1,\"Be yourself\n2,good\n3,it is \"late\n4,fine\n";
    let problem = &table(stray).1[0];
    assert!(
        problem.ends_with("inside it; the row goes on to line 4"),
        "{problem}"
    );
}

#[test]
fn na_was_a_label_that_stood_before_the_known_one() {
    let rows = "user,text,gender\na,one,NA\na,two,female\nb,NA,None\n";
    let mut found = Vec::new();
    let mut notes = Vec::new();
    for user in read_users(rows.as_bytes(), Format::Csv, &Reading::default()).unwrap() {
        match user {
            Ok(user) => found.push(user.label("gender")),
            Err(Problem::Note(note)) => notes.push(note),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(found, [Some("female".to_owned()), None]);
    assert!(
        notes[0].starts_with("1 post is NA or the like"),
        "{notes:?}"
    );
}

#[test]
fn seconds_were_before_all_dates_and_milliseconds() {
    let posts = r#"{"user": 1, "text": "late", "created_utc": 1706700000}
        {"user": 1, "text": "early", "created_at": "2024-01-01T00:00:00Z"}
        {"user": 1, "text": "latest", "timestamp": 1706700000500}
        {"user": 1, "text": "later", "created_utc": 1706700000.25}"#;
    let (users, problems) = json_file(posts);
    assert_eq!(users, [json!([1, ["early", "late", "later", "latest"]])]);
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn entities_but_the_five_of_xml_were_read_without_a_word() {
    for text in ["x&nbsp;y", "&#128512;", "it&#x27;s", "caf&eacute;"] {
        let (_, problems) = json_file(&json!({"id": 1, "text": text}).to_string());
        assert!(
            problems[0].contains("HTML entities"),
            "{text}: {problems:?}"
        );
    }
    for text in ["R&B; soul", "a & b; c", "AT&T", "?a=1&b=2;3"] {
        let (_, problems) = json_file(&json!({"id": 1, "text": text}).to_string());
        assert_eq!(problems, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn tweets_of_the_default_fields_were_users_without_a_word() {
    let tweets = [1, 2].map(|id| json!({"id": id, "text": "a", "edit_history_tweet_ids": [id]}));
    let page = json!({"data": tweets, "meta": {}}).to_string();
    let problems = json_file(&page).1;
    assert_eq!(
        problems,
        ["the records are the objects in \"data\"", EACH_A_USER]
    );
}

#[test]
fn the_header_of_php_my_admin_was_a_user() {
    let export = json!([
        {"type": "header", "version": "5.1", "comment": "Export to JSON plugin for PHPMyAdmin"},
        {"type": "database", "name": "db"},
        {"type": "table", "name": "posts", "database": "db", "data": [{"user_id": "1", "text": "a"}]},
    ]);
    let notes = vec!["the records are the objects in \"data\"".to_owned()];
    let expected = (vec![json!(["1", ["a"]])], notes);
    assert_eq!(json_file(&export.to_string()), expected);
    let post = r#"{"type": "header", "comment": "a", "user_id": 1}"#;
    assert_eq!(json_file(post).0.len(), 1);
}

#[test]
fn the_header_of_a_second_table_was_a_user() {
    let header = "user_id,text";
    let quoted = "\u{FEFF}\"user_id\",\"text\"";
    for again in [header, quoted, "\u{FEFF}user_id,text"] {
        let rows = format!("{header}\r\n1,a\r\n{again}\r\n2,b\r\n\u{FEFF}1,c,\r\n");
        let expected = [json!(["1", ["a", "c"]]), json!(["2", ["b"]])];
        assert_eq!(table(&rows), (expected.to_vec(), Vec::new()), "{again}");
    }
    assert_eq!(table("text\na\ntext\n").0.len(), 2);
}

#[test]
fn a_page_of_posts_was_a_bad_record() {
    let notes = |name: &str| format!("the records are the objects in {name:?}");
    for (page, name) in [
        (
            r#"{"data": [{"user_id": 1, "text": "a"}, {"user_id": 1, "text": "b"}], "meta": {"n": 2}}"#,
            "data",
        ),
        (
            "{\"n\": 1, \"results\": [\n  {\"user_id\": 1, \"text\": \"a\"}]}\n{\"results\": [{\"user_id\": 1, \"text\": \"b\"}]}",
            "results",
        ),
    ] {
        let expected = (vec![json!([1, ["a", "b"]])], vec![notes(name)]);
        assert_eq!(json_file(page), expected, "{page}");
    }
    // Lists of a user or of nothing that is known.
    for record in [
        r#"{"id": 1, "text": "a", "links": [{"text": "b"}]}"#,
        r#"{"posts": ["a"], "links": [{"text": "b"}]}"#,
    ] {
        assert_eq!(json_file(record).0[0][1], json!(["a"]), "{record}");
    }
    let (_, problems) = json_file(r#"{"a": [{"text": "a"}], "b": [{"text": "b"}]}"#);
    assert!(problems[0].contains("its fields are: a, b"), "{problems:?}");
    let (_, problems) = json_file(r#"["a", "b"]"#);
    assert!(
        problems[0].contains("must be a JSON object, such as"),
        "{problems:?}"
    );
}

#[test]
fn values_of_python_in_cells_were_read_letter_by_letter() {
    let (users, _) = table("user,text\n1,b'caf\\xc3\\xa9'\n");
    assert_eq!(users, [json!(["1", ["café"]])]);
    let (users, _) = table("id,posts\n1,\"['a', 'b']\"\n");
    assert_eq!(users, [json!(["1", ["a", "b"]])]);
}

#[test]
fn columns_as_lists_were_one_user() {
    let (users, problems) = json_file("{\"id\": [1, 2], \"text\": [\"a\", \"b\"]}");
    assert_eq!(users, Vec::<Value>::new());
    assert_eq!(problems, [format!("1: {LIST_OF_IDS}")]);
}

#[test]
fn records_are_numbered_bad_ones_included() {
    let text = "{\"text\": \"a\"}\n\n{\n{\"text\": \"b\"}\n";
    let users = read_users(text.as_bytes(), Format::Jsonl, &Reading::default()).unwrap();
    let records: Vec<u64> = users.filter_map(|user| Some(user.ok()?.record)).collect();
    assert_eq!(records, [1, 3]);
}

#[test]
fn a_value_that_is_no_post_cost_the_user() {
    let (users, problems) = json_file(
        r#"{"id": 1, "posts": ["a", null, "b", 42, {"text": "c"}, ["d ", {"text": "e"}]]}
        {"id": 2, "posts": [], "text": "f"}
        {"id": 3, "posts": "g"}
        {"id": 4, "text": ["h ", {"type": "link", "text": "i"}]}
        {"id": 5, "text": 12}"#,
    );
    let posts = [
        json!(["a", "b", "c", "d e"]),
        json!(["f"]),
        json!(["g"]),
        json!(["h i"]),
    ];
    assert_eq!(users, [1, 2, 3, 4].map(|id| json!([id, posts[id - 1]])));
    assert_eq!(
        problems,
        [
            "1: post 2 of \"posts\" is left out, because it is null, not a string",
            "1: post 4 of \"posts\" is left out, because it is a number, not a string",
            "5: the text must be a string, this is a number",
        ]
    );
}

#[test]
fn rows_without_their_last_cells_were_refused() {
    let (users, problems) = table("text,id,source\na,1\nb,1,x\n,,\nc,1,,\nd,1,x,more\n");
    assert_eq!(users, [json!(["1", ["a", "b", "c"]])]);
    assert_eq!(
        problems,
        ["6: 4 cells where the header has 3; put texts that contain the separator in quotes"]
    );
    // A row that ends before its text has none.
    let (users, problems) = table("id,text\n1,a\n1\n1,\n");
    assert_eq!(users, [json!(["1", ["a", ""]])]);
    assert_eq!(problems, ["3: 1 cell where the header has 2"]);
}

#[test]
fn of_two_columns_of_one_name_the_last_was_read() {
    let (users, problems) = table("id,text,gender,text,gender\n1,first,f,second,m\n2,,,second,m\n");
    assert_eq!(users, [json!(["1", ["first"]]), json!(["2", ["second"]])]);
    assert!(
        problems[0].contains("\"text\"") && problems[1].contains("\"gender\""),
        "{problems:?}"
    );
    assert_eq!(
        table("id,text,,\n1,a,,\n"),
        (vec![json!(["1", ["a"]])], Vec::new())
    );
}

#[test]
fn of_the_columns_posts_and_text_one_was_ignored() {
    let (users, problems) = table("posts,id,text\n,1,a\nb,2,\nc,3,d\n,4,\n");
    assert_eq!(
        users,
        [json!(["1", ["a"]]), json!(["2", ["b"]]), json!(["4", [""]])]
    );
    assert!(
        problems[0].starts_with("4: both \"posts\" and \"text\""),
        "{problems:?}"
    );
}

#[test]
fn an_error_names_the_columns_found() {
    let error = header_error("id,words\n1,a\n", &Reading::default());
    assert!(
        error.contains("its columns are: id, words; --text NAME"),
        "{error}"
    );
    let columns = Columns {
        user: Some("who".into()),
        ..Columns::default()
    };
    let reading = Reading {
        columns,
        ..Reading::default()
    };
    assert_eq!(
        header_error("id,text\n1,a\n", &reading),
        "no column \"who\"; its columns are: id, text"
    );
    let (users, problems) = read_as(
        "{\"id\": 1, \"text\": \"a\"}{\"WHO\": 2, \"text\": \"b\"}",
        Format::Jsonl,
        &reading,
    );
    assert_eq!(users, [json!([2, ["b"]])]);
    assert_eq!(
        problems,
        ["1: the field \"who\" of the user is missing or empty"]
    );
    let (_, problems) = json_file("{\"id\": 1, \"words\": \"a\"}");
    assert!(
        problems[0].contains("its fields are: id, words; --text NAME"),
        "{problems:?}"
    );
}

#[test]
fn a_field_of_labels_that_no_record_has_was_ignored() {
    let reading = Reading {
        columns: Columns {
            labels: vec![("gender".into(), "nope".into())],
            order: Some("user.since".into()),
            ..Columns::default()
        },
        ..Reading::default()
    };
    let records = r#"{"user_id": 1, "text": "a", "gender": "f"}"#;
    let (users, problems) = read_as(records, Format::Jsonl, &reading);
    assert_eq!(users, [json!([1, ["a"]])]);
    let notes = |name: &str| {
        format!(
            "no record has the field {name:?}; the fields of the first one are: user_id, text, gender"
        )
    };
    assert_eq!(problems, [notes("user.since"), notes("nope")]);
    // One record with it is enough.
    let more = format!(
        "{records}\n{{\"text\": \"b\", \"Nope\": 1, \"user\": {{\"id\": 2, \"since\": 7}}}}"
    );
    assert_eq!(
        read_as(&more, Format::Jsonl, &reading).1,
        Vec::<String>::new()
    );
    // A file of labels has no other use.
    for (name, content) in [("a.csv", "user_id,gender\n1,f\n"), ("a.jsonl", records)] {
        let reading = Reading {
            columns: Columns {
                labels: vec![("gender".into(), "nope".into())],
                ..Columns::default()
            },
            ..Reading::default()
        };
        let labels = open_labels(
            Path::new(name),
            content.as_bytes(),
            content.as_bytes(),
            &reading,
        );
        let last = labels.unwrap().last().unwrap();
        assert!(
            matches!(&last, Err(Problem::Stream(error)) if error.to_string().contains("\"nope\"; the fields")),
            "{last:?}"
        );
    }
}

#[test]
fn columns_that_differ_by_case_only_were_read_for_one_another_without_a_word() {
    let (users, problems) = table("id,text,gender,Gender,GENDER,Gender\n1,a,f,x,y,z\n");
    assert_eq!(users, [json!(["1", ["a"]])]);
    assert!(
        problems[0].starts_with("several columns are called \"Gender\""),
        "{problems:?}"
    );
    for (problem, other) in problems[1..].iter().zip(["Gender", "GENDER"]) {
        let expected = format!("the columns \"gender\" and {other:?} differ by case only");
        assert!(problem.starts_with(&expected), "{problem}");
    }
    assert_eq!(problems.len(), 3);
}

#[test]
fn utf_7_is_noted_unless_an_encoding_is_stated() {
    let text = "id,text\n1,caf+AOk- cr+AOg-me\n";
    let problems = |encoding| {
        let reading = Reading {
            encoding,
            ..Reading::default()
        };
        let users = open_users(
            Path::new("a.csv"),
            text.as_bytes(),
            text.as_bytes(),
            &reading,
        );
        users.unwrap().filter_map(Result::err).count()
    };
    assert_eq!((problems(None), problems(Some(Encoding::Utf8))), (1, 0));
}

#[test]
fn posts_are_in_the_order_of_their_numbers_or_dates() {
    for (dates, posts) in [
        (["10", "9", "1e1"], ["b", "a", "c"]),
        (
            ["2024-01-31 10:00", "2024-01-05", "2023-12-31"],
            ["c", "b", "a"],
        ),
        (["2024-1-10", "2024-1-9", "2023年12月31日"], ["c", "b", "a"]),
        (
            [
                "2024-01-01T12:00:00Z",
                "2024-01-01T12:30:00+02:00",
                "Sun Dec 31 23:00:00 +0000 2023",
            ],
            ["c", "b", "a"],
        ),
        // Dates that are not known are left alone.
        (["Wed Jan 31", "Fri Jan 05", "Sun Dec 31"], ["a", "b", "c"]),
        (["3", "", "1"], ["a", "b", "c"]),
    ] {
        let text = format!(
            "id,text,date\n1,a,{}\n1,b,{}\n1,c,{}\n",
            dates[0], dates[1], dates[2]
        );
        assert_eq!(table(&text).0, [json!(["1", posts])], "{dates:?}");
    }
}

#[test]
fn dates_of_unknown_forms_left_posts_unsorted_in_silence() {
    let dates = "id,text,date\n1,a,10/1/2024\n1,b,2/1/2024\n";
    let (users, notes) = table(dates);
    assert_eq!(users, [json!(["1", ["a", "b"]])]);
    let known = "line 2: \"10/1/2024\" is neither a number nor a date of a known form (such as 2024-01-31 10:00), so";
    let kept = format!("{known} posts of users with such values stay in the order of the file");
    assert_eq!(notes, [kept]);
    let mut reading = Reading::default();
    reading.columns.order = Some("date".to_owned());
    let users = read_users(Cursor::new(dates), Format::Csv, &reading).unwrap();
    let notes: Vec<Problem> = users.filter_map(Result::err).collect();
    let sorted = format!("{known} such values are sorted as text");
    assert!(
        matches!(&notes[..], [Problem::Note(note)] if *note == sorted),
        "{notes:?}"
    );
    // Of one post, the order does not matter.
    let (_, notes) = table("user,text,date\n1,a,10/1/2024\n2,b,2/1/2024\n");
    assert_eq!(notes, [""; 0]);
}

/// The messages did not name the field that was asked for.
#[test]
fn stated_fields_that_records_lack_are_named() {
    let file = "{\"id\": 1, \"text\": \"a\", \"name\": \"ann\"}\n";
    let message = |state: fn(&mut Columns)| {
        let mut reading = Reading::default();
        state(&mut reading.columns);
        let users = read_users(Cursor::new(file), Format::Jsonl, &reading).unwrap();
        let problems = users.filter_map(|user| match user.err()? {
            Problem::Record { what, .. } => Some(what),
            _ => None,
        });
        problems.collect::<Vec<_>>()
    };
    assert_eq!(
        message(|columns| columns.text = Some("words".to_owned())),
        ["no field \"words\" with the text; its fields are: id, text, name"]
    );
    assert_eq!(
        message(|columns| columns.user = Some("usr".to_owned())),
        ["the field \"usr\" of the user is missing or empty"]
    );
}

proptest::proptest! {
    /// Posts of a few users, each with a time or none and with some of two fields: in the first one, null is no value.
    #[test]
    fn posts_are_grouped_as_by_the_plainest_code(
        posts in proptest::collection::vec((0..4u8, 0..6u8, 0..3u8, proptest::bool::ANY), 0..40),
        is_sorted: bool,
    ) {
        let mut posts = posts;
        if is_sorted {
            posts.sort_by_key(|(id, ..)| *id);
        }
        let mut file = String::new();
        let mut expected: Vec<User> = Vec::new();
        // Those of each user's posts.
        let mut times: Vec<Vec<Option<u8>>> = Vec::new();
        for (number, (id, time, city, has_mood)) in posts.into_iter().enumerate() {
            let mut record = json!({"user": id, "text": format!("post {number}")});
            let time = (time > 0).then_some(time);
            if let Some(time) = time {
                record["time"] = time.into();
            }
            if city > 0 {
                record["city"] = if city == 1 { Value::Null } else { number.into() };
            }
            if has_mood {
                record["mood"] = number.into();
            }
            file += &format!("{record}\n");
            let place = expected.iter().position(|user| user.fields["id"] == id);
            let place = place.unwrap_or_else(|| {
                expected.push(User::default());
                times.push(Vec::new());
                expected.len() - 1
            });
            let User { posts, fields, .. } = &mut expected[place];
            posts.push(format!("post {number}"));
            times[place].push(time);
            for name in ["time", "city", "mood"] {
                if let Some(value) = record.get(name)
                    && fields.get(name).is_none_or(Value::is_null)
                {
                    fields.insert(name.to_owned(), value.clone());
                }
            }
            fields.insert("id".to_owned(), id.into());
        }
        for (user, times) in expected.iter_mut().zip(times) {
            if times.iter().all(Option::is_some) {
                let mut posts: Vec<_> = times.into_iter().zip(&user.posts).collect();
                posts.sort_by_key(|(time, _)| *time);
                user.posts = posts.into_iter().map(|(_, post)| post.clone()).collect();
            }
        }
        let reading = Reading { is_sorted, ..Reading::default() };
        let users = read_users(Cursor::new(file), Format::Jsonl, &reading).unwrap();
        let users: Vec<User> = users.filter_map(Result::ok).collect();
        proptest::prop_assert_eq!(users.len(), expected.len());
        for (user, expected) in users.iter().zip(expected) {
            proptest::prop_assert_eq!(&user.posts, &expected.posts);
            proptest::prop_assert_eq!(&user.fields, &expected.fields);
        }
    }
}

#[test]
fn sorted_files_need_no_memory() {
    let reading = Reading {
        is_sorted: true,
        most_bytes: 400,
        ..Reading::default()
    };
    let rows: String = (0..100)
        .map(|row| format!("{},post {row}\n", row / 2))
        .collect();
    let text = format!("id,text\n{rows}7,again\n7,and again\n99,last\n");
    let (users, problems) = read_as(&text, Format::Csv, &reading);
    assert_eq!((users.len(), &users[50]), (51, &json!(["99", ["last"]])));
    let what =
        "the posts of user \"7\" are not consecutive; sort the file by user, or leave out --sorted";
    assert_eq!(problems, [format!("102: {what}")]);

    let reading = Reading {
        is_sorted: false,
        ..reading
    };
    let (users, problems) = read_as(&text, Format::Csv, &reading);
    assert!(
        !users.is_empty() && problems[0].contains("; --sorted needs"),
        "{problems:?}"
    );
}

#[test]
fn the_users_before_an_open_quote_are_not_lost() {
    let (users, problems) = table("id,text\n1,a\n2,b\n1,c\n3,\"d\n");
    assert_eq!(users, [json!(["1", ["a", "c"]]), json!(["2", ["b"]])]);
    assert_eq!(
        problems,
        ["the row at line 5: the quote opened in line 5 is never closed"]
    );
}

#[test]
fn bytes_that_are_no_text_cost_no_user() {
    let bytes = b"id,text\n1,caf\xff\n2,b\xff\n".to_vec();
    let users = read_users(Cursor::new(bytes), Format::Csv, &Reading::default()).unwrap();
    let (users, problems): (Vec<_>, Vec<_>) = users.partition(Result::is_ok);
    assert_eq!(users[0].as_ref().unwrap().posts, ["caf\u{FFFD}"]);
    assert_eq!((users.len(), problems.len()), (2, 1));
}

#[test]
fn null_of_a_database_was_a_post_and_a_label() {
    let rows = "user_id\ttext\tgender\n1\thello\\nworld\tf\n2\t\\N\t\\N\n2\t\\No\tm\n";
    let users = read_users(rows.as_bytes(), Format::Csv, &Reading::default()).unwrap();
    let users: Vec<User> = users.map(Result::unwrap).collect();
    assert_eq!(users[0].posts, ["hello\\nworld"]);
    assert_eq!(users[1].posts, ["", "\\No"]);
    assert_eq!(users[1].label("gender").as_deref(), Some("m"));
}

#[test]
fn labels_that_contradict_each_other_were_read_without_a_word() {
    let header = "user_id,text,gender,age,mood\n";
    let note = |what: &str| vec![format!("{what}; the first one in the file is read")];
    for (rows, notes) in [
        ("1,a,m,24,x\n1,b,m,24.0,y\n1,c,,,\n", vec![]),
        (
            "1,a,m,24,x\n1,b,m,25,x\n1,c,m,26,x\n",
            note("1 user with more than one value of age"),
        ),
        (
            "1,a,m,24,x\n2,a,f,24,x\n1,b,m,25,x\n2,c,m,24,x\n",
            note("2 users with more than one value of age or gender"),
        ),
    ] {
        assert_eq!(table(&format!("{header}{rows}")).1, notes, "{rows}");
    }
}

#[test]
fn retweets_in_tables_were_words_of_who_retweeted() {
    let rows = "tweet_id,user_id,text,retweeted_status_id,is_retweet\n\
        1,7,RT @ann: hers,,\n2,7,RT @ann: hers,9,\n3,7,own,9,\n4,7,RT @b: his,,TRUE\n5,7,RT @b: his,0,False\n";
    let own = ["RT @ann: hers", "own", "RT @b: his"];
    let note = "left out 2 reposts that a field such as retweet_id marks; --reposts keeps them";
    let expected = (vec![json!(["7", own])], vec![note.to_owned()]);
    assert_eq!(table(rows), expected);
    let reading = Reading {
        reposts: true,
        ..Reading::default()
    };
    let (users, problems) = read_as(rows, Format::Csv, &reading);
    assert_eq!(
        (users[0][1].as_array().unwrap().len(), problems.len()),
        (5, 0)
    );
}

#[test]
fn counts_of_comments_were_posts_without_a_word() {
    for (rows, notes) in [
        (
            "user_id,comment,caption\n7,12,a\n8, 3.5,b\n7,,c\n",
            vec![NUMBERS],
        ),
        ("user_id,comment\n7,12\n8,no\n7,3\n", vec![]),
        ("user_id,comment\n7,\n", vec![]),
    ] {
        assert_eq!(table(rows).1, notes, "{rows}");
    }
    let reading = Reading {
        columns: Columns {
            text: Some("comment".into()),
            ..Columns::default()
        },
        ..Reading::default()
    };
    let (_, problems) = read_as("user_id,comment\n7,12\n", Format::Csv, &reading);
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn messages_about_files_of_other_programs_named_no_remedy() {
    for (problems, what) in [
        (
            table("user_id, text\n1, \"a, b\"\n").1,
            "in quotes, without a space before them",
        ),
        (
            table("\"user_id\",\"text\"\n\"1\",7,\"a\"\n").1,
            "or in R write without row names",
        ),
        (table("user_id,text\n7,a,b\n").1, "the separator in quotes"),
        (
            json_file("{'user_id': 1, 'text': 'a'}\n").1,
            "write it with json.dumps",
        ),
    ] {
        assert!(problems[0].ends_with(what), "{problems:?}");
    }
    let error = header_error("Umfrage 2023;;\nuser_id;text;age\n", &Reading::default());
    assert!(
        error.contains("a column of text in its first line"),
        "{error}"
    );
    let long = "Zeitstempel der Erstellung des Kommentars";
    assert!(listed([long]).ends_with(long));
    assert!(listed([long.repeat(2).as_str()]).ends_with('…'));
}

#[test]
fn how_much_of_a_file_was_unreadable_was_not_noted() {
    for (text, format) in [
        (&b"text,id\ncaf\xff,1\n\xe2\x80,2\n"[..], Format::Csv),
        (b"caf\xff\n\xe2\x80\n", Format::Text),
        (
            b"{\"id\": 1, \"text\": \"caf\xff\"} {\"id\": 2, \"text\": \"\xe2\x80\"}",
            Format::Jsonl,
        ),
        // The bytes of a page used to be counted for each of its records.
        (
            b"{\"data\": [{\"id\": 1, \"text\": \"caf\xff\"}, {\"id\": 2, \"text\": \"\xe2\x80\"}]}",
            Format::Jsonl,
        ),
    ] {
        let users = read_users(Cursor::new(text.to_vec()), format, &Reading::default()).unwrap();
        let is_note = |user: &Result<User, Problem>| {
            let text =
                "3 bytes are not UTF-8 and read as \u{FFFD}; --encoding NAME states the encoding";
            matches!(user, Err(Problem::Note(note)) if note == text)
        };
        assert_eq!(users.filter(is_note).count(), 1, "{format:?}");
    }
}

#[test]
fn files_are_named_for_what_they_are() {
    let error = |head: &[u8]| {
        let reader = Cursor::new(head.to_vec());
        open_users(Path::new("a"), head, reader, &Reading::default())
            .err()
            .unwrap()
    };
    for (head, what) in [
        (&b"PK\x03\x04\0\0xl/workbook.xml"[..], "an Excel workbook"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"%PDF-1.7\n", "a PDF"),
        // Of what was read as a table, some had hundreds of users.
        (b"\x04\x22\x4D\x18dP\x08id,text\n", "compressed with LZ4"),
        (b"\x1f\x9d\x90id,text\n", "compressed with compress"),
        (b"]\0\0\x80\0\xff", "compressed with LZMA"),
        (b"\x80\x04\x95id,text\n", "a Python pickle"),
        (b"$FL2@(#) SPSS DATA FILE", "an SPSS file"),
        (b"<stata_dta><header>", "a Stata file"),
        (b"X\n\0\0\0\x03", "an R file"),
        (b"\0\0\0\x18ftypmp42", "a film"),
        (
            b"\x1b/\x07 \x8c\xd4Q\xcd\xe7\x18\x15\n,\x11",
            "no text, or text in an encoding",
        ),
        (b"\n<!doctype HTML><p>", "an HTML page"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer",
        ),
        (b"\x1f\x8b\x08\0", "compressed with gzip"),
    ] {
        let error = error(head);
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn fuzz_corpora() {
    let seeds = [
        "{\"id\": 17, \"gender\": \"male\", \"age\": 24.0, \"posts\": [\"a\", {\"text\": \"b\"}]}\n{\"text\": \"c\"}\n",
        "[{\"user\": {\"id\": 1}, \"full_text\": \"a\", \"created_at\": \"2024-01-31\"}, {\"body\": [\"b\", NaN]}]",
        "id,text,time,sex\n1,\"a, \"\"b\"\"\nc\",2024-01-31,f\n2\t,d,5,\n1,e,4,m\n",
        "sep=;\r\n用户id;微博正文;发布时间\r\n7;字;2024/01/31 10:00\r\n",
        "one post\nanother post\n",
    ];
    let mut seeds = seeds.map(|text| text.as_bytes().to_vec()).to_vec();
    let wide = seeds[2].iter().flat_map(|&byte| [byte, 0]).collect();
    seeds.push(wide);
    seeds.push(b"id,text\n1,\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7\n".to_vec());
    let reading = |is_sorted, text: Option<&str>| Reading {
        is_sorted,
        columns: Columns {
            text: text.map(str::to_owned),
            ..Columns::default()
        },
        most_bytes: 1 << 20,
        ..Reading::default()
    };
    let readings = [reading(false, None), reading(true, Some("text"))];
    fuzzing::fuzz("corpus", &seeds, |bytes| {
        let head = &bytes[..bytes.len().min(crate::corpus::HEAD_BYTES)];
        let open = || Cursor::new(bytes.to_vec());
        for name in ["a", "a.txt"].map(Path::new) {
            for reading in &readings {
                let users = open_users(name, head, open(), reading);
                let users = users.into_iter().flatten();
                users.flatten().for_each(|user| drop(user.label("age")));
            }
            let labels = open_labels(name, head, open(), &readings[0]);
            labels.into_iter().flatten().for_each(drop);
        }
    });
}
