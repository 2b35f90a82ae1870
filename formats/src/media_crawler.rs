//! Posts and comments of Weibo, Xiaohongshu, Douyin, Bilibili, Kuaishou, Tieba and Zhihu, as the program MediaCrawler stores them.

use std::io;

use serde_json::Value;

use crate::grouping::name_of;
use crate::json::{each_post, keys, text};
use crate::labels::gender;
use crate::table::each_row;
use crate::weibo::own_words;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, html, labels, time};

/// Posts and comments as CSV, as an array of JSON, or as JSON lines.
pub(crate) struct MediaCrawler;

/// The names of the id of a post, of which each platform has one.
const IDS: [&str; 5] = [
    "comment_id",
    "note_id",
    "aweme_id",
    "video_id",
    "content_id",
];
/// The names of the user's name. Files of other programs, which have labels of their own, seldom have it.
const NAMES: [&str; 2] = ["nickname", "user_nickname"];
/// The names of the time.
const TIMES: [&str; 5] = [
    "create_time",
    "created_time",
    "publish_time",
    "time",
    "create_date_time",
];
/// The names of the user's id; Tieba has an address.
const USERS: [&str; 2] = ["user_id", "user_link"];
/// The names of the user's gender.
const GENDERS: [&str; 2] = ["gender", "sex"];
const ABOUT: About = About {
    name: "media-crawler",
    input: "posts or comments of MediaCrawler (CSV, JSON or JSON lines) with user_id or user_link, nickname, an id such as note_id, and content or desc",
    reads: "`content` or `content_text`, or else `title` and `desc`, grouped by `user_id` or `user_link`; labels also from files of creators",
    labels: &["gender"],
    leaves_out: "reposts without own words; `//@` tails",
};

impl Format for MediaCrawler {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["csv", "json", "jsonl"]) {
            return false;
        }
        match is_json(file) {
            true => file.place_of_posts(is_post).is_some(),
            false => are_columns(&file.columns()),
        }
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            each_of(files, &name, is_post, grouping, &mut |grouping, post| {
                add(grouping, &place, post)
            })?;
        }
        // Files of creators, which have no posts.
        for name in files.names().to_vec() {
            let mut file = Candidate::new(files, &name);
            let is_creators = match is_json(&mut file) {
                true => file.place_of_posts(is_creator).is_some(),
                false => are_columns_of_creators(&file.columns()),
            };
            if is_creators {
                each_of(
                    files,
                    &name,
                    is_creator,
                    grouping,
                    &mut |grouping, creator| {
                        let user = user(creator);
                        if grouping.has(&user) {
                            label(grouping, &user, creator);
                        }
                        Ok(())
                    },
                )?;
            }
        }
        Ok(())
    }
}

/// Calls `each` with every record of a JSON file or row of a table.
fn each_of(
    files: &mut dyn Files,
    name: &str,
    is_record: fn(&Value) -> bool,
    grouping: &mut Grouping<'_>,
    each: &mut dyn FnMut(&mut Grouping<'_>, &Value) -> io::Result<()>,
) -> io::Result<()> {
    match is_json(&mut Candidate::new(files, name)) {
        true => each_post(files, name, is_record, grouping, each),
        false => each_row(files, name, grouping, &mut |grouping, row| {
            each(grouping, &row.record())
        }),
    }
}

/// The first of some fields or columns that is not empty.
fn first(record: &Value, names: &[&str]) -> String {
    let mut texts = names.iter().map(|name| text(&record[*name]));
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

/// The user's id, or the name where a spreadsheet has rounded the id.
fn user(record: &Value) -> String {
    let id = first(record, &USERS);
    match id.is_empty() {
        true => id,
        false => name_of(&[&id, &first(record, &NAMES)]).to_owned(),
    }
}

fn label(grouping: &mut Grouping<'_>, user: &str, record: &Value) {
    grouping.label(user, "gender", gender(&first(record, &GENDERS)));
    // Other codes of MediaCrawler's own fields say that the gender is unknown.
    let fields = record.as_object().into_iter().flatten();
    let added = fields.filter(|(name, _)| !GENDERS.contains(&name.as_str()));
    labels::keep_fields(grouping, user, added);
}

fn is_post(record: &Value) -> bool {
    are_columns(&keys(record))
}

fn is_creator(record: &Value) -> bool {
    are_columns_of_creators(&keys(record))
}

fn are_columns_of_creators(columns: &[String]) -> bool {
    let has = |name: &str| columns.iter().any(|column| column == name);
    has("user_id")
        && NAMES.iter().any(|name| has(name))
        && GENDERS.iter().any(|name| has(name))
        && !IDS.iter().any(|id| has(id))
}

fn are_columns(columns: &[String]) -> bool {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let has_one_of = |names: &[&str]| names.iter().any(|name| has(name));
    has_one_of(&USERS)
        && has_one_of(&NAMES)
        && has_one_of(&IDS)
        && has_one_of(&["content", "content_text", "desc"])
}

fn is_json(file: &mut Candidate<'_>) -> bool {
    file.head().starts_with(['{', '['])
}

fn add(grouping: &mut Grouping<'_>, place: &str, post: &Value) -> io::Result<()> {
    let (user, id) = (user(post), first(post, &IDS));
    if user.is_empty() {
        return grouping.bad_record(&format!("{place}: post {id:?} has no user_id"));
    }
    let mut words = first(post, &["content", "content_text"]);
    if words.is_empty() {
        let (title, description) = (text(&post["title"]), text(&post["desc"]));
        // A title is often the begin of the text.
        words = match description.starts_with(&title) {
            true => description,
            false => format!("{title}\n{description}"),
        };
    }
    // MediaCrawler takes the tags out of HTML and leaves the entities.
    let own = own_words(&html::entities(&words), false);
    grouping.counts().quotations += u64::from(own.had_quotation);
    label(grouping, &user, post);
    grouping.add(Post {
        user: &user,
        id: Some(&id),
        time: TIMES.iter().find_map(|name| time::of(&post[*name])),
        text: own.text,
        is_repost: own.is_repost,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn every_container_gives_the_same_users() {
        let posts = [
            json!({"note_id": "2", "content": "晚安", "create_time": 1_700_000_002, "user_id": "17", "nickname": "a", "gender": "f"}),
            json!({"note_id": "3", "content": "转发微博 //@小红:笑死", "create_time": 1_700_000_003, "user_id": "18", "nickname": "b", "gender": "m"}),
            json!({"note_id": "1", "content": "早安", "create_time": 1_700_000_001, "user_id": "17", "nickname": "a", "gender": "f"}),
        ];
        let array = serde_json::to_string_pretty(&Value::from(posts.to_vec())).unwrap();
        let lines = posts
            .iter()
            .map(|post| format!("{post}\n"))
            .collect::<String>();
        let csv = "\u{FEFF}note_id,content,create_time,user_id,nickname,gender\r\n2,晚安,1700000002,17,a,f\r\n\
            3,转发微博 //@小红:笑死,1700000003,18,b,m\r\n1,早安,1700000001,17,a,f\r\n";
        for (name, content) in [
            ("a.json", array.as_str()),
            ("a.jsonl", &lines),
            ("a.csv", csv),
        ] {
            let (received, counts) = read(&MediaCrawler, &[(name, content.as_bytes())]);
            let expected = json!([
                {"id": "17", "gender": "female", "posts": ["早安", "晚安"]},
                {"id": "18", "gender": "male", "posts": []},
            ]);
            assert_eq!(received.json(), expected, "{name}");
            assert_eq!(counts.reposts, 1);
        }
    }

    #[test]
    fn users_whose_ids_a_spreadsheet_has_rounded_were_one() {
        let csv = "note_id,content,user_id,nickname\n5.1E+15,a &lt; b,1.23457E+17,ann\n5.1E+15,rain,1.23457E+17,ben\n";
        let (received, _) = read(&MediaCrawler, &[("a.csv", csv.as_bytes())]);
        let expected = json!([{"id": "ann", "posts": ["a < b"]}, {"id": "ben", "posts": ["rain"]}]);
        assert_eq!(received.json(), expected);
    }

    #[test]
    fn posts_without_content_have_title_and_description() {
        let post = json!({"aweme_id": "1", "title": "早", "desc": "早安", "user_id": "17", "nickname": "a"});
        let other = json!({"aweme_id": "2", "title": "标题", "desc": "说明", "user_id": "17", "nickname": "a"});
        let (received, _) = read(
            &MediaCrawler,
            &[("a.jsonl", format!("{post}\n{other}").as_bytes())],
        );
        assert_eq!(received.users[0].posts, ["早安", "标题\n说明"]);
    }

    #[test]
    fn genders_of_creators_and_users_of_bilibili_were_lost() {
        let comment = r#"[{"comment_id": "1", "content": "早安", "user_id": "17", "nickname": "a", "sex": "女"}]"#;
        let post = r#"[{"note_id": "2", "desc": "晚安", "user_id": "18", "nickname": "b"}]"#;
        let creators = r#"[{"user_id": "18", "nickname": "b", "gender": "男", "desc": "我"}, {"user_id": "19", "nickname": "c", "gender": "男"}]"#;
        let files = [
            ("comments.json", comment.as_bytes()),
            ("contents.json", post.as_bytes()),
            ("creators.json", creators.as_bytes()),
        ];
        let (received, _) = read(&MediaCrawler, &files);
        let expected = json!([
            {"id": "17", "gender": "female", "posts": ["早安"]},
            {"id": "18", "gender": "male", "posts": ["晚安"]},
        ]);
        assert_eq!(received.json(), expected);
    }

    #[test]
    fn comments_of_tieba_were_a_user_each() {
        let csv = "note_id,title,desc,publish_time,user_link,user_nickname\n\
            1,早,早安,2024-01-01 10:00,https://a.example/?id=1,a\n2,晚,晚安,2024-01-01 11:00,https://a.example/?id=1,a\n";
        let (received, _) = read(&MediaCrawler, &[("a.csv", csv.as_bytes())]);
        let posts = ["早安", "晚安"];
        assert_eq!(
            received.json(),
            json!([{"id": "https://a.example/?id=1", "posts": posts}])
        );
    }
}
