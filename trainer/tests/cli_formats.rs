//! Every format of archives, crawls and published corpora on the command line, each on a small sample that is made up here.

mod common;

use std::fs;

use common::{Workplace, stderr, stdout};
use formats::FORMATS;
use serde_json::Value;

/// A folder of files, and what must be found in it.
struct Case {
    format: &'static str,
    files: &'static [(&'static str, &'static str)],
    writers: u64,
    posts: u64,
    labels: &'static [&'static str],
}

const CASES: [Case; 25] = [
    Case {
        format: "blogs-xml",
        files: &[
            (
                "17.female.23.Law.Leo.xml",
                "<Blog>\n<date>14,May,2004</date>\n<post>tea &amp; rain</post>\n<post>bread</post>\n</Blog>",
            ),
            (
                "18.male.36.indUnk.Virgo.xml",
                "<Blog>\n<date>02,May,2004</date>\n<post>a long day</post>\n</Blog>",
            ),
        ],
        writers: 2,
        posts: 3,
        labels: &["age", "gender", "industry"],
    },
    Case {
        format: "blogs-csv",
        files: &[(
            "blogtext.csv",
            "id,gender,age,topic,sign,date,text\n17,female,23,Law,Leo,\"14,May,2004\",tea\n18,male,36,indUnk,Virgo,\"02,May,2004\",a long day\n17,female,23,Law,Leo,\"15,May,2004\",bread\n",
        )],
        writers: 2,
        posts: 3,
        labels: &["age", "gender", "industry"],
    },
    Case {
        format: "twitter-archive",
        files: &[
            (
                "data/tweets.js",
                r#"window.YTD.tweets.part0 = [{"tweet": {"id_str": "2", "created_at": "Tue Nov 01 10:00:00 +0000 2022", "full_text": "tea"}}, {"tweet": {"id_str": "1", "created_at": "Mon Oct 31 10:00:00 +0000 2022", "full_text": "RT @ann: hello"}}]"#,
            ),
            (
                "data/account.js",
                r#"window.YTD.account.part0 = [{"account": {"accountId": "7"}}]"#,
            ),
        ],
        writers: 1,
        posts: 1,
        labels: &[],
    },
    Case {
        format: "twitter-api-v1",
        files: &[(
            "a.jsonl",
            "{\"id_str\": \"1\", \"full_text\": \"tea\", \"user\": {\"id_str\": \"7\", \"screen_name\": \"ann\"}}\n{\"id_str\": \"2\", \"text\": \"rain\", \"user\": {\"id_str\": \"8\", \"screen_name\": \"ben\"}}\n",
        )],
        writers: 2,
        posts: 2,
        labels: &[],
    },
    Case {
        format: "twitter-api-v2",
        files: &[(
            "a.json",
            r#"{"data": [{"id": "1", "author_id": "7", "text": "tea"}, {"id": "2", "author_id": "8", "text": "rain"}], "meta": {}}"#,
        )],
        writers: 2,
        posts: 2,
        labels: &[],
    },
    Case {
        format: "mastodon",
        files: &[(
            "outbox.json",
            r#"{"@context": "https://www.w3.org/ns/activitystreams", "orderedItems": [{"id": "1", "type": "Create", "actor": "me", "object": {"content": "<p>rain &amp; wind</p>"}}]}"#,
        )],
        writers: 1,
        posts: 1,
        labels: &[],
    },
    Case {
        format: "bluesky",
        files: &[(
            "records.json",
            r#"{"records": [{"uri": "at://did:plc:a/app.bsky.feed.post/1", "cid": "x", "value": {"$type": "app.bsky.feed.post", "text": "tea", "createdAt": "2024-01-02T10:00:00Z"}}], "cursor": "1"}"#,
        )],
        writers: 1,
        posts: 1,
        labels: &[],
    },
    Case {
        format: "weibo-crawler",
        files: &[
            (
                "17.csv",
                "id,bid,正文,日期,完整日期\n2\t,b,周末去公园,2020-02-12,2020-02-12 21:30:00\n1\t,a,今天加班,2020-02-11,2020-02-11 21:30:00\n",
            ),
            ("users.csv", "用户id,昵称,性别,生日\n17,示例,f,1990-01-01\n"),
        ],
        writers: 1,
        posts: 2,
        labels: &["birth_year", "gender"],
    },
    Case {
        format: "weibo-spider",
        files: &[(
            "17.csv",
            "微博id,微博正文,发布时间\na,早安,2020-02-12 21:30\nb,晚安,2020-02-13 21:30\n",
        )],
        writers: 1,
        posts: 2,
        labels: &[],
    },
    Case {
        format: "weibo-search",
        files: &[(
            "a.csv",
            "id,bid,user_id,用户昵称,微博正文,发布时间\n1,a,17,甲,早安,2020-02-12 21:30\n2,b,18,乙,晚安,2020-02-12 21:31\n",
        )],
        writers: 2,
        posts: 2,
        labels: &[],
    },
    Case {
        format: "weibo-api",
        files: &[(
            "timeline.json",
            r#"{"statuses": [{"created_at": "Tue May 31 17:46:02 +0800 2011", "idstr": "2", "text": "晚安//@小红:别人", "user": {"id": 17, "screen_name": "甲", "gender": "f"}}, {"created_at": "Tue May 31 17:46:01 +0800 2011", "idstr": "1", "text": "早安", "user": {"id": 18, "screen_name": "乙", "gender": "m"}}]}"#,
        )],
        writers: 2,
        posts: 2,
        labels: &["gender"],
    },
    Case {
        format: "media-crawler",
        files: &[(
            "a.jsonl",
            "{\"note_id\": \"2\", \"content\": \"晚安\", \"create_time\": 1700000002, \"user_id\": \"17\", \"nickname\": \"a\", \"gender\": \"f\"}\n{\"note_id\": \"3\", \"content\": \"早安\", \"create_time\": 1700000003, \"user_id\": \"18\", \"nickname\": \"b\", \"gender\": \"m\"}\n",
        )],
        writers: 2,
        posts: 2,
        labels: &["gender"],
    },
    Case {
        format: "telegram",
        files: &[(
            "result.json",
            r#"{"name": "x", "type": "personal_chat", "messages": [{"id": 1, "type": "message", "date": "2024-01-02T10:00:00", "from": "Ann", "from_id": "user1", "text": "tea"}, {"id": 2, "type": "service", "date": "2024-01-02T10:00:00", "text": ""}]}"#,
        )],
        writers: 1,
        posts: 1,
        labels: &[],
    },
    Case {
        format: "whatsapp",
        files: &[(
            "chat.txt",
            "1/4/23, 7:02 PM - Ann: hello\n1/4/23, 7:03 PM - Ben: tea\n1/4/23, 7:04 PM - Ann: rain\n",
        )],
        writers: 2,
        posts: 3,
        labels: &[],
    },
    Case {
        format: "line",
        files: &[(
            "chat.txt",
            "[LINE] Chat history with Ann\nSaved on: 2023/01/05, 10:00\n\n2023/01/04(Wed)\n\
            19:02\tAnn\thello\n19:03\tBen\ttea\n19:04\tBen\t[Sticker]\n",
        )],
        writers: 2,
        posts: 2,
        labels: &[],
    },
    Case {
        format: "discord-package",
        files: &[
            (
                "messages/c1/messages (1).json",
                r#"[{"ID": 11, "Timestamp": "2023-01-02 10:00:00", "Contents": "tea", "Attachments": ""}]"#,
            ),
            ("account/user.json", r#"{"id": "77"}"#),
        ],
        writers: 1,
        posts: 1,
        labels: &[],
    },
    Case {
        format: "discord-exporter",
        files: &[(
            "channel.csv",
            "AuthorID,Author,Date,Content,Attachments,Reactions\n7,ann,2023-01-02T10:00:00.0000000+00:00,tea,,\n8,ben,2023-01-02T10:01:00.0000000+00:00,rain,,\n",
        )],
        writers: 2,
        posts: 2,
        labels: &[],
    },
    Case {
        format: "facebook",
        files: &[
            (
                "messages/inbox/ben_1/message_1.json",
                r#"{"participants": [{"name": "Ben"}], "messages": [{"sender_name": "Ben", "timestamp_ms": 1714557600000, "content": "tea"}, {"sender_name": "Ann", "timestamp_ms": 1714557500000, "content": "th\u00c3\u00a9"}]}"#,
            ),
            (
                "profile_information/profile_information.json",
                r#"{"profile_v2": {"name": {"full_name": "Ann"}}}"#,
            ),
            (
                "posts/your_posts_1.json",
                r#"[{"timestamp": 1714557600, "data": [{"post": "rain"}]}]"#,
            ),
        ],
        writers: 2,
        posts: 3,
        labels: &[],
    },
    Case {
        format: "youtube",
        files: &[(
            "comments.csv",
            "Comment ID,Channel ID,Comment Create Timestamp,Comment Text\na,UC1,2024-05-01T10:00:00+00:00,\"{\"\"text\"\":\"\"tea\"\"}\"\n",
        )],
        writers: 1,
        posts: 1,
        labels: &[],
    },
    Case {
        format: "linkedin",
        files: &[
            (
                "Shares_17.csv",
                "Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n2024-05-01 10:00:00,https://www.linkedin.com/feed,\"tea\"\"\n\"\"and rain\",,,PUBLIC\n",
            ),
            (
                "Comments_17.csv",
                "Date,Link,Message\n2024-05-02 10:00:00,https://www.linkedin.com/feed,\"so \\\"warm\\\"\"\n",
            ),
        ],
        writers: 1,
        posts: 2,
        labels: &[],
    },
    Case {
        format: "reddit",
        files: &[(
            "RC_2012-01",
            "{\"author\": \"ann\", \"subreddit\": \"tea\", \"body\": \"green\", \"id\": \"a\", \"created_utc\": 1325376000}\n{\"author\": \"[deleted]\", \"subreddit\": \"tea\", \"body\": \"[deleted]\", \"id\": \"b\"}\n",
        )],
        writers: 1,
        posts: 1,
        labels: &[],
    },
    Case {
        format: "pan",
        files: &[
            (
                "a.xml",
                r#"<author lang="en"><documents><document><![CDATA[tea]]></document><document><![CDATA[rain]]></document></documents></author>"#,
            ),
            ("truth.txt", "a:::F:::18-24\n"),
        ],
        writers: 1,
        posts: 2,
        labels: &["age", "gender", "lang"],
    },
    Case {
        format: "smp-cup-2016",
        files: &[
            (
                "train_status.txt",
                "1000000001,0,0,iPhone 6,2015-12-20 21:30,今天 加班\n1000000002,0,0,iPhone 6,2015-12-20 21:31,早安\n",
            ),
            (
                "train_labels.txt",
                "1000000001||f||1990||上海\n1000000002||m||1996||None\n",
            ),
        ],
        writers: 2,
        posts: 2,
        labels: &["birth_year", "gender", "location"],
    },
    Case {
        format: "sogou",
        files: &[(
            "user_tag_query.10W.TRAIN",
            "22DD920316420BE2DF8D6EE651BA174B\t1\t2\t4\t柔和双沟\t女生\n43CC3AF5A8D6430A3B572337A889AFE4\t2\t1\t3\t广州厨宝\n",
        )],
        writers: 2,
        posts: 3,
        labels: &["age", "education", "gender"],
    },
    Case {
        format: "m3inference",
        files: &[(
            "a.jsonl",
            "{\"id\": \"7\", \"name\": \"A\", \"screen_name\": \"a\", \"description\": \"Baker\", \"lang\": \"en\", \"gender\": \"f\", \"age\": \"19-29\"}\n",
        )],
        writers: 1,
        posts: 1,
        labels: &["age", "gender"],
    },
];

#[test]
fn every_format_is_found_with_its_writers_posts_and_labels() {
    let workplace = Workplace::new();
    for case in CASES {
        let format = case.format;
        for (name, content) in case.files {
            let path = workplace.path(&format!("{format}/{name}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let output = workplace.run(&["corpus", "stats", format, "--json"]);
        let said = stderr(&output);
        assert!(
            said.contains(&format!("{format}: read as {format} ")),
            "{said}"
        );
        let counts: Value = serde_json::from_str(&stdout(output, 0)).unwrap();
        assert_eq!(counts["users"], case.writers, "{format}");
        assert_eq!(counts["posts"], case.posts, "{format}");
        assert_eq!(counts["bad_records"], 0, "{format}");
        let labels = counts["attributes"].as_object().unwrap();
        let labels: Vec<&str> = labels.keys().map(String::as_str).collect();
        assert_eq!(labels, case.labels, "{format}");
    }
}

/// Formats that are known by the names of their files, which a pipe has not.
const KNOWN_BY_NAME: [&str; 0] = [];

#[test]
fn on_standard_input_no_format_was_recognised() {
    let workplace = Workplace::new();
    let mut by_name = Vec::new();
    for case in CASES {
        let [(_, content)] = case.files else { continue };
        let output = workplace.run_with_input(&["corpus", "stats", "-", "--json"], content);
        let said = stderr(&output);
        if !said.contains(&format!("standard input: read as {} ", case.format)) {
            by_name.push(case.format);
            continue;
        }
        let counts: Value = serde_json::from_str(&stdout(output, 0)).unwrap();
        assert_eq!(counts["users"], case.writers, "{}", case.format);
        assert_eq!(counts["posts"], case.posts, "{}", case.format);
    }
    assert_eq!(by_name, KNOWN_BY_NAME);
}

#[test]
fn no_format_lacks_a_case() {
    for format in FORMATS {
        let name = format.about().name;
        assert!(CASES.iter().any(|case| case.format == name), "{name}");
    }
}
