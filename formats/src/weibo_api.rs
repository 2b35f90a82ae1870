//! Posts as the interfaces of Weibo return them.

use std::io;

use serde_json::Value;

use crate::grouping::name_of;
use crate::json::{each_post, text};
use crate::labels::gender;
use crate::weibo::own_words;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, html, labels, time};

/// Posts of the open API, of weibo.com or of m.weibo.cn.
pub(crate) struct WeiboApi;

const ABOUT: About = About {
    name: "weibo-api",
    input: "posts of the Weibo API, of weibo.com or of m.weibo.cn as JSON lines, an array or {\"statuses\": […]}, with user, text, and idstr or mid",
    reads: "`text_raw` or `raw_text`, or else `text` without HTML, grouped by the user's id, or else `screen_name`",
    labels: &["gender"],
    leaves_out: "reposts without own words; reposted text and `//@` tails; deleted posts",
};

/// The names of the id of a post.
const IDS: [&str; 4] = ["id", "idstr", "mid", "mblogid"];

impl Format for WeiboApi {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        file.may_be(&["json", "jsonl", "ndjson", "txt"]) && file.place_of_posts(is_post).is_some()
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            each_post(files, &name, is_post, grouping, &mut |grouping, post| {
                add(grouping, post, &place)
            })?;
        }
        Ok(())
    }
}

/// Twitter's posts have the same fields, but other names for ids.
fn is_post(record: &Value) -> bool {
    record["text"].is_string()
        && record["user"]["screen_name"].is_string()
        && IDS[1..].iter().any(|id| record[*id].is_string())
}

fn add(grouping: &mut Grouping<'_>, post: &Value, place: &str) -> io::Result<()> {
    let profile = &post["user"];
    let ids = IDS.map(|name| text(&post[name]));
    let id = ids.iter().find(|id| !id.is_empty());
    // Of a deleted post only the ids are left.
    if text(&post["deleted"]) == "1" || profile.is_null() && id.is_some() {
        grouping.counts().deleted += 1;
        return Ok(());
    }
    // Collections that were cut down often keep one of them.
    let names = ["id", "idstr", "screen_name"].map(|name| text(&profile[name]));
    let user = name_of(&names.each_ref().map(String::as_str)).to_owned();
    if user.is_empty() {
        return grouping.bad_record(&format!("{place}: a post without user"));
    }
    let plain = ["text_raw", "raw_text"].iter().map(|name| &post[*name]);
    let words = match plain
        .filter_map(Value::as_str)
        .find(|words| !words.is_empty())
    {
        Some(words) => html::entities(words).into_owned(),
        None => html::text(&text(&post["text"])).text,
    };
    let own = own_words(&words, post["retweeted_status"].is_object());
    grouping.counts().quotations += u64::from(own.had_quotation);
    labels::keep(grouping, &user, post);
    grouping.label(&user, "gender", gender(&text(&profile["gender"])));
    grouping.add(Post {
        user: &user,
        id: id.map(String::as_str),
        time: time::of(&post["created_at"]),
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
    fn entities_were_decoded_twice() {
        let user = json!({"id": 17, "screen_name": "a"});
        let posts = json!([
            {"id": 1, "idstr": "1", "user": user, "text": "&amp;lt;<br />a &lt; b"},
            {"id": 2, "idstr": "2", "user": user, "text": "…", "text_raw": "&amp;gt; a &gt; b"},
        ]);
        let (received, _) = read(&WeiboApi, &[("a.json", posts.to_string().as_bytes())]);
        assert_eq!(received.users[0].posts, ["&lt;\na < b", "&gt; a > b"]);
    }

    #[test]
    fn posts_of_users_without_id_were_deleted_ones() {
        let post =
            |id: u32, user: Value| json!({"mid": id.to_string(), "text": "早", "user": user});
        let posts = json!([
            post(1, json!({"screen_name": "甲"})),
            post(2, json!({"screen_name": "乙", "idstr": "17"})),
            post(2, json!({"screen_name": "乙", "idstr": "17"})),
            post(3, json!({"gender": "f"})),
            {"author": "丙", "text": "晚"},
        ]);
        let (received, counts) = read(&WeiboApi, &[("a.json", posts.to_string().as_bytes())]);
        let expected = json!([{"id": "甲", "posts": ["早"]}, {"id": "17", "posts": ["早"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!((counts.deleted, counts.duplicates), (0, 1));
        assert_eq!(received.bad_records.len(), 2);
    }

    #[test]
    fn posts_of_weibo_were_taken_for_twitters() {
        let post = |id: u32, user: u32, text: &str| {
            json!({"created_at": format!("Tue May 31 17:46:0{id} +0800 2011"), "id": id, "idstr": id.to_string(), "text": text,
                "user": {"id": user, "screen_name": "a", "gender": if user == 17 { "f" } else { "m" }}})
        };
        let mut repost = post(1, 17, "笑死//@小红:真的吗");
        repost["retweeted_status"] = post(9, 99, "别人的话");
        let mut html = post(3, 18, "早安…<a href=\"x\">全文</a>");
        html["raw_text"] = json!("早安 朋友");
        let posts = [
            post(2, 17, "周末去<br />公园"),
            repost,
            html,
            post(4, 18, "转发微博"),
            json!({"id": 5, "idstr": "5", "text": "抱歉，此微博已被作者删除", "deleted": "1"}),
        ];
        let lines: String = posts.iter().map(|post| format!("{post}\n")).collect();
        let cards: Vec<Value> = (posts.iter())
            .map(|post| json!({"card_type": 9, "mblog": post}))
            .collect();
        for content in [
            lines,
            json!(posts).to_string(),
            json!({"statuses": posts, "total_number": 5}).to_string(),
            json!({"ok": 1, "data": {"cards": cards}}).to_string(),
        ] {
            let (received, counts) = read(&WeiboApi, &[("a.json", content.as_bytes())]);
            let expected = json!([
                {"id": "17", "gender": "female", "posts": ["笑死", "周末去\n公园"]},
                {"id": "18", "gender": "male", "posts": ["早安 朋友"]},
            ]);
            assert_eq!(received.json(), expected, "{content}");
            assert_eq!(
                (counts.reposts, counts.quotations, counts.deleted),
                (1, 1, 1)
            );
        }
    }
}
