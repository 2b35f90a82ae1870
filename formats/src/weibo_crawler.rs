//! The files of the program weibo-crawler, and the JSON files of weiboSpider.

use std::io;

use serde_json::Value;

use crate::files::{base, extension, stem};
use crate::json::{each_record, text};
use crate::labels::{birth_year, gender};
use crate::table::{Row, each_row};
use crate::weibo::{names_users, own_words};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, labels, time};

/// A CSV file per user, called by the user's id, with `users.csv` for all; or a JSON file `{"user": …, "weibo": […]}`.
pub(crate) struct WeiboCrawler;

const COLUMNS: [&str; 3] = ["id", "bid", "正文"];
const USER_COLUMNS: [&str; 2] = ["用户id", "性别"];
static PATHS: [&str; 2] = ["user", "weibo/*"];
const ABOUT: About = About {
    name: "weibo-crawler",
    input: "CSV files USER-ID.csv of weibo-crawler with the columns id, bid and 正文, or JSON files {\"user\": …, \"weibo\": […]} of weibo-crawler or weiboSpider",
    reads: "`正文` or `text`; one user per file; labels of a CSV file from `users.csv`",
    labels: &["gender", "birth_year"],
    leaves_out: "reposts without own words; reposted text and `//@` tails",
};

impl Format for WeiboCrawler {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["csv", "json"]) {
            return false;
        }
        if file.head().starts_with('{') {
            return file.has_record(&PATHS[1..], is_post)
                && file.has_record(&PATHS[..1], Value::is_object);
        }
        // weibo-search has a column for the user besides.
        file.has_columns(&COLUMNS) && !names_users(file) && !file.has_labels()
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        let names = accepted(self, files)?;
        for name in &names {
            match extension(name) == "json" || Candidate::new(files, name).head().starts_with('{') {
                true => read_json(files, name, grouping)?,
                false => each_row(files, name, grouping, &mut |grouping, row| {
                    add_row(grouping, &stem(name), row)
                })?,
            }
        }
        let names = files.names().to_vec();
        for name in names.iter().filter(|name| base(name) == "users.csv") {
            if Candidate::new(files, name).has_columns(&USER_COLUMNS) {
                each_row(files, name, grouping, &mut |grouping, row| {
                    let user = row.cell("用户id");
                    if grouping.has(user) {
                        grouping.label(user, "gender", gender(row.cell("性别")));
                        grouping.label(user, "birth_year", birth_year(row.cell("生日")));
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    }
}

fn add_row(grouping: &mut Grouping<'_>, user: &str, row: &Row) -> io::Result<()> {
    let own = own_words(row.cell("正文"), row.cell("是否原创") == "False");
    grouping.counts().quotations += u64::from(own.had_quotation);
    let date = [row.cell("完整日期"), row.cell("日期")];
    grouping.add(Post {
        user,
        id: Some(row.cell("id")),
        time: date.into_iter().find_map(time::time),
        text: own.text,
        is_repost: own.is_repost,
    })
}

fn read_json(files: &mut dyn Files, name: &str, grouping: &mut Grouping<'_>) -> io::Result<()> {
    // The file's name is the user's id in case the object of the user comes late or without one.
    let (mut user, place) = (stem(name), files.place(name));
    each_record(
        files,
        name,
        &PATHS,
        grouping,
        &mut |grouping, path, value| {
            if path == 0 {
                let id = text(&value["id"]);
                if !id.is_empty() {
                    user = id;
                }
                grouping.label(&user, "gender", gender(&text(&value["gender"])));
                grouping.label(&user, "birth_year", birth_year(&text(&value["birthday"])));
                labels::keep(grouping, &user, value);
                return Ok(());
            }
            let is_of_post = ["text", "content"]
                .iter()
                .any(|name| value.get(name).is_some());
            match is_of_post {
                true => add_json(grouping, &user, value),
                false => grouping.bad_record(&format!("{place}: a post without text or content")),
            }
        },
    )
}

/// weiboSpider says `content`.
fn is_post(post: &Value) -> bool {
    post["text"].is_string() || post["content"].is_string()
}

fn add_json(grouping: &mut Grouping<'_>, user: &str, post: &Value) -> io::Result<()> {
    // weiboSpider says `content` and `original`.
    let words = post["text"]
        .as_str()
        .or(post["content"].as_str())
        .unwrap_or_default();
    let is_repost = post["retweet"].is_object() || post["original"] == false;
    let own = own_words(spider_words(words), is_repost);
    grouping.counts().quotations += u64::from(own.had_quotation);
    let dates = ["full_created_at", "created_at", "publish_time"];
    grouping.add(Post {
        user,
        id: Some(&text(&post["id"])),
        time: dates.iter().find_map(|date| time::of(&post[*date])),
        text: own.text,
        is_repost: own.is_repost,
    })
}

/// The writer's comment of a repost as weiboSpider stores it: `转发理由:comment`, then on further lines `原始用户: name` and
/// `转发内容: text`.
pub(crate) fn spider_words(text: &str) -> &str {
    let Some(end) = text.find("\n转发内容:") else {
        return text;
    };
    let own = &text[..end];
    let own = own.find("\n原始用户:").map_or(own, |end| &own[..end]);
    own.strip_prefix("转发理由:").unwrap_or(own).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_unknown, read};
    use serde_json::json;

    const CSV: &str = "\u{FEFF}id,bid,正文,日期,完整日期,是否原创,源微博正文\r\n\
        2\t,b,周末去公园,2020-02-12,2020-02-12 21:30:00,False,别人的话\r\n\
        1\t,a,今天加班,2020-02-11,2020-02-11 21:30:00\r\n\
        3\t,c,转发微博 //@小红:笑死,2020-02-13,2020-02-13 21:30:00,False,别人的话\r\n";
    const USERS: &str = "用户id,昵称,性别,生日\r\n17,示例,f,1990-01-01\r\n18,别人,m,\r\n";

    #[test]
    fn a_file_is_a_user_and_reposts_keep_only_own_words() {
        let files = [
            ("x/17.csv", CSV.as_bytes()),
            ("users.csv", USERS.as_bytes()),
        ];
        let (received, counts) = read(&WeiboCrawler, &files);
        let expected = json!([{"id": "17", "gender": "female", "birth_year": 1990, "posts": ["今天加班", "周末去公园"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!((counts.reposts, counts.quotations), (1, 0));
    }

    #[test]
    fn posts_that_name_users_and_weibo_were_files_of_weibo_crawler() {
        for lines in [
            "{\"user\":\"ann\",\"text\":\"hi\",\"platform\":\"weibo\"}\n{\"user\":\"ben\",\"text\":\"yo\",\"platform\":\"weibo\"}\n",
            r#"{"user": {"id": 17}, "text": "hi", "weibo": "https://weibo.com/a"}"#,
            r#"{"user": "ann", "weibo": [{"text": "hi"}]}"#,
        ] {
            assert_unknown("a.jsonl", lines);
        }
    }

    #[test]
    fn what_looks_like_an_entity_in_text_without_html_was_decoded() {
        let csv = "id,bid,正文\n1,a,写 &amp;lt; 和 &lt;\n";
        let (received, _) = read(&WeiboCrawler, &[("17.csv", csv.as_bytes())]);
        assert_eq!(received.users[0].posts, ["写 &amp;lt; 和 &lt;"]);
    }

    #[test]
    fn json_holds_the_user_and_the_posts() {
        let file = json!({
        "user": {"id": "17", "gender": "m", "birthday": "双鱼座"},
        "weibo": [
            {"id": 2, "text": "晚安 //@小红:别人", "full_created_at": "2020-02-12 21:30:00", "retweet": {"text": "别人"}},
            {"id": 1, "text": "早安", "full_created_at": "2020-02-11 21:30:00"},
        ]});
        let (received, counts) = read(&WeiboCrawler, &[("17.json", file.to_string().as_bytes())]);
        assert_eq!(
            received.json(),
            json!([{"id": "17", "gender": "male", "posts": ["早安", "晚安"]}])
        );
        assert_eq!(counts.quotations, 1);
        let text = "转发理由:哈哈\n原始用户: 小红\n转发内容: 别人的话";
        assert_eq!(spider_words(text), "哈哈");
    }
}
