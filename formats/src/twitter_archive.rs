//! The archive of an account that X (Twitter) sends its owner.

use std::collections::{BTreeMap, HashMap};
use std::io;

use serde_json::Value;

use crate::files::{base, folder_outside, stem};
use crate::json::{each_record, text};
use crate::owners::Owners;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, html, time};

/// JavaScript files of a folder or zip archive, `data/tweets.js` among them, which assign an array of JSON.
pub(crate) struct TwitterArchive;

const ABOUT: About = About {
    name: "twitter-archive",
    input: "an X (Twitter) archive: its zip file, its folder, or data/tweets.js of it",
    reads: "posts, with the whole text of long ones from `note-tweet.js`; one user per archive",
    labels: &[],
    leaves_out: "retweets",
};

impl Format for TwitterArchive {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        file.may_be(&["js"]) && (is_tweets(file.name()) || is_notes(file.name())) && {
            let head = file.head();
            head.starts_with("window.YTD.") && head.contains('=')
        }
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        let names = accepted(self, files)?;
        let owners = owners(files)?;
        let mut archives: BTreeMap<String, Vec<&String>> = BTreeMap::new();
        for name in &names {
            archives
                .entry(owners.of(files, name))
                .or_default()
                .push(name);
        }
        for (owner, names) in archives {
            read_archive(files, &names, &owner, grouping)?;
        }
        Ok(())
    }
}

/// Adds the posts of one account.
fn read_archive(
    files: &mut dyn Files,
    names: &[&String],
    user: &str,
    grouping: &mut Grouping<'_>,
) -> io::Result<()> {
    let mut seconds: HashMap<i64, Second> = HashMap::new();
    for name in names.iter().filter(|name| is_notes(name)) {
        each_record(
            files,
            name,
            &["*/noteTweet"],
            grouping,
            &mut |_, _, note| {
                let words = html::entities(note["core"]["text"].as_str().unwrap_or_default());
                if let Some(time) = time::of(&note["createdAt"]) {
                    let second = seconds.entry(second(time)).or_default();
                    second.notes.push(words.into_owned());
                }
                Ok(())
            },
        )?;
    }
    for name in names.iter().filter(|name| is_tweets(name)) {
        each_record(files, name, &["*"], grouping, &mut |grouping, _, item| {
            // Archives before 2020 have the posts themselves.
            let tweet = match &item["tweet"] {
                Value::Null => item,
                tweet => tweet,
            };
            let words = tweet["full_text"].as_str().or(tweet["text"].as_str());
            let short = html::entities(words.unwrap_or_default());
            let tweet = Tweet {
                id: text(&tweet["id_str"]),
                time: time::of(&tweet["created_at"]),
                is_repost: short.starts_with("RT @"),
                text: short.into_owned(),
            };
            let time = tweet.time.filter(|_| !tweet.is_repost);
            match time.and_then(|time| seconds.get_mut(&second(time))) {
                Some(second) => second.tweets.push(tweet),
                None => tweet.add_to(grouping, user)?,
            }
            Ok(())
        })?;
    }
    for (time, second) in seconds {
        for tweet in second.whole(time * 1000) {
            tweet.add_to(grouping, user)?;
        }
    }
    Ok(())
}

struct Tweet {
    id: String,
    time: Option<i64>,
    text: String,
    is_repost: bool,
}

impl Tweet {
    fn add_to(self, grouping: &mut Grouping<'_>, user: &str) -> io::Result<()> {
        grouping.add(Post {
            user,
            id: Some(&self.id),
            time: self.time,
            text: self.text,
            is_repost: self.is_repost,
        })
    }
}

/// What was written in one second. A note has no id of its tweet, and all posts of a thread may have the same second.
#[derive(Default)]
struct Second {
    /// The whole texts of long posts.
    notes: Vec<String>,
    tweets: Vec<Tweet>,
}

impl Second {
    /// The tweets, with the whole text of those that were cut. A note belongs to the tweet that begins most like it; one without
    /// a tweet is a post of its own.
    fn whole(self, time: i64) -> Vec<Tweet> {
        let Self { notes, mut tweets } = self;
        let mut notes: Vec<Option<String>> = notes.into_iter().map(Some).collect();
        let mut pairs = Vec::new();
        for (note, text) in notes.iter().flatten().enumerate() {
            for (tweet, cut) in tweets.iter().enumerate() {
                pairs.push((common_beginning(text, &cut.text), note, tweet));
            }
        }
        pairs.sort_by_key(|&(length, ..)| std::cmp::Reverse(length));
        let mut is_whole = vec![false; tweets.len()];
        for (length, note, tweet) in pairs {
            // Behind what was kept, a cut tweet has a sign and perhaps a link.
            let is_alike = 2 * length >= tweets[tweet].text.chars().count();
            if is_alike
                && !is_whole[tweet]
                && let Some(text) = notes[note].take()
            {
                is_whole[tweet] = true;
                tweets[tweet].text = text;
            }
        }
        tweets.extend(notes.into_iter().flatten().map(|text| Tweet {
            id: String::new(),
            time: Some(time),
            text,
            is_repost: false,
        }));
        tweets
    }
}

/// The number of characters with which two texts begin alike.
fn common_beginning(one: &str, other: &str) -> usize {
    let pairs = one.chars().zip(other.chars());
    pairs.take_while(|(one, other)| one == other).count()
}

fn second(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(1000)
}

/// `tweets.js`, `tweet.js` of older archives, `tweets-part1.js`, `community-tweet.js`.
fn is_tweets(name: &str) -> bool {
    let stem = stem(name);
    let stem = (stem.split_once("-part")).map_or(stem.as_str(), |(stem, _)| stem);
    matches!(stem, "tweets" | "tweet" | "community-tweet")
}

fn is_notes(name: &str) -> bool {
    stem(name).starts_with("note-tweet")
}

/// The ids of the accounts.
fn owners(files: &mut dyn Files) -> io::Result<Owners> {
    Owners::find(
        files,
        |name| folder_outside(name, &["data"]),
        |files, name| {
            if base(name) != "account.js" {
                return Ok(None);
            }
            let account = Candidate::new(files, name).first_record(&["*/account"]);
            Ok(account["accountId"].as_str().map(str::to_owned))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{read, read_with_reposts};
    use serde_json::json;

    const TWEETS: &str = r#"window.YTD.tweets.part0 = [
      {"tweet": {"id_str": "3", "created_at": "Wed Oct 12 20:19:20 +0000 2022", "full_text": "A long post that is cut…"}},
      {"tweet": {"id_str": "2", "created_at": "Wed Oct 11 20:19:20 +0000 2022", "full_text": "RT @ann: hello"}},
      {"tweet": {"id_str": "1", "created_at": "Wed Oct 10 20:19:20 +0000 2022", "full_text": "tea &gt; coffee"}}
    ]"#;
    const NOTES: &str = r#"window.YTD.note_tweet.part0 = [ {"noteTweet": {"noteTweetId": "9",
      "createdAt": "2022-10-12T20:19:20.000Z", "core": {"text": "A long post that is not cut &amp; ends here"}}} ]"#;
    const ACCOUNT: &str = r#"window.YTD.account.part0 = [ {"account": {"accountId": "11"}} ]"#;

    #[test]
    fn an_archive_is_one_user_and_long_posts_are_whole() {
        let files = [
            ("x/data/account.js", ACCOUNT.as_bytes()),
            ("x/data/note-tweet.js", NOTES.as_bytes()),
            ("x/data/tweets.js", TWEETS.as_bytes()),
            (
                "x/data/like.js",
                &b"window.YTD.like.part0 = [ {\"like\": {\"fullText\": \"not mine\"}} ]"[..],
            ),
        ];
        let (received, counts) = read(&TwitterArchive, &files);
        let posts = ["tea > coffee", "A long post that is not cut & ends here"];
        assert_eq!(received.json(), json!([{"id": "11", "posts": posts}]));
        assert_eq!(counts.reposts, 1);
        let (received, _) = read_with_reposts(&TwitterArchive, &files);
        assert_eq!(received.users[0].posts[1], "RT @ann: hello");
    }

    #[test]
    fn archives_of_several_accounts_were_one_user() {
        let tweets = |text: &str| {
            format!(
                r#"window.YTD.tweets.part0 = [ {{"tweet": {{"id_str": "1", "created_at": "Wed Oct 12 20:19:20 +0000 2022", "full_text": "{text}"}}}} ]"#
            )
        };
        let [ann, ben, cleo] = ["A long post that", "bee", "sea"].map(tweets);
        let files = [
            ("ann/data/account.js", ACCOUNT.as_bytes()),
            ("ann/data/tweets.js", ann.as_bytes()),
            ("ann/data/note-tweet.js", NOTES.as_bytes()),
            ("ben/data/tweets.js", ben.as_bytes()),
            ("cleo/tweet.js", cleo.as_bytes()),
        ];
        let (received, _) = read(&TwitterArchive, &files);
        let expected = json!([
            {"id": "11", "posts": ["A long post that is not cut & ends here"]},
            {"id": "ben", "posts": ["bee"]},
            {"id": "cleo", "posts": ["sea"]},
        ]);
        assert_eq!(received.json(), expected);
    }

    #[test]
    fn another_post_of_the_second_of_a_long_post_was_lost() {
        let tweets = br#"window.YTD.tweets.part0 = [
          {"tweet": {"id_str": "1", "full_text": "first and short", "created_at": "Wed Jan 31 10:00:00 +0000 2024"}},
          {"tweet": {"id_str": "2", "full_text": "Long one\u2026", "created_at": "Wed Jan 31 10:00:00 +0000 2024"}},
          {"tweet": {"id_str": "3", "full_text": "Longer one\u2026", "created_at": "Wed Jan 31 10:00:00 +0000 2024"}},
          {"tweet": {"id_str": "4", "full_text": "short and apart", "created_at": "Wed Jan 31 11:00:00 +0000 2024"}} ]"#;
        let notes = br#"window.YTD.note_tweet.part0 = [
          {"noteTweet": {"createdAt": "2024-01-31T10:00:00.000Z", "core": {"text": "Longer one that goes on"}}},
          {"noteTweet": {"createdAt": "2024-01-31T10:00:00.000Z", "core": {"text": "Long one that goes on"}}},
          {"noteTweet": {"createdAt": "2024-01-31T11:00:00.000Z", "core": {"text": "A long one without its tweet"}}} ]"#;
        let files = [
            ("data/tweets.js", &tweets[..]),
            ("data/note-tweet.js", &notes[..]),
        ];
        let (received, _) = read(&TwitterArchive, &files);
        let mut posts = received.users[0].posts.clone();
        posts.sort();
        let expected = [
            "A long one without its tweet",
            "Long one that goes on",
            "Longer one that goes on",
            "first and short",
            "short and apart",
        ];
        assert_eq!(posts, expected);
    }

    #[test]
    fn posts_of_an_old_archive_were_not_seen() {
        let tweets = br#"window.YTD.tweet.part0 = [ {"id_str": "1", "full_text": "tea"}, {"id_str": "2", "full_text": "RT @b: x"} ]"#;
        let (received, counts) = read(&TwitterArchive, &[("tweet.js", tweets)]);
        assert_eq!(received.users[0].posts, ["tea"]);
        assert_eq!(counts.reposts, 1);
    }

    #[test]
    fn a_cut_off_file_keeps_its_whole_posts() {
        let cut = &TWEETS.as_bytes()[..TWEETS.len() - 40];
        let (received, _) = read(&TwitterArchive, &[("tweets-part1.js", cut)]);
        assert_eq!(received.users[0].posts, ["A long post that is cut…"]);
        assert!(received.bad_records[0].contains("is it cut off?"));
    }
}
