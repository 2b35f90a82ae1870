//! The files of the program weibo-search.

use std::io;

use crate::grouping::name_of;
use crate::table::each_row;
use crate::weibo::own_words;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, labels, time};

/// CSV files of found posts with a column for the user.
pub(crate) struct WeiboSearch;

const ABOUT: About = About {
    name: "weibo-search",
    input: "CSV files of weibo-search with the columns id, bid, user_id and 微博正文",
    reads: "`微博正文`, grouped by `user_id`",
    labels: &[],
    leaves_out: "reposts without own words; `//@` tails",
};

impl Format for WeiboSearch {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        file.may_be(&["csv"]) && file.has_columns(&["bid", "user_id", "微博正文"])
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            each_row(files, &name, grouping, &mut |grouping, row| {
                let own = own_words(row.cell("微博正文"), !row.cell("retweet_id").is_empty());
                grouping.counts().quotations += u64::from(own.had_quotation);
                let user = name_of(&[row.cell("user_id"), row.cell("用户昵称")]);
                labels::keep_cells(grouping, user, row);
                grouping.add(Post {
                    user,
                    id: Some(row.cell("id")),
                    time: time::time(row.cell("发布时间")),
                    text: own.text,
                    is_repost: own.is_repost,
                })
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn posts_with_ids_that_a_spreadsheet_has_rounded_were_duplicates() {
        for table in [
            "id,bid,user_id,微博正文\n4.97123E+15,a,604,今天\n4.97123E+15,b,604,晚上\n",
            "id;bid;user_id;微博正文\n4,97123E+15;a;604;今天\n4,97123E+15;b;604;晚上\n",
        ] {
            let (received, counts) = read(&WeiboSearch, &[("a.csv", table.as_bytes())]);
            let expected = json!([{"id": "604", "posts": ["今天", "晚上"]}]);
            assert_eq!(received.json(), expected);
            assert_eq!((counts.duplicates, received.notes.len()), (0, 0));
        }
    }

    #[test]
    fn users_whose_ids_a_spreadsheet_has_rounded_were_one() {
        let table = "bid,user_id,用户昵称,微博正文\na,7.12345E+11,甲,今天\nb,7.12345E+11,乙,晚上\n";
        let (received, _) = read(&WeiboSearch, &[("a.csv", table.as_bytes())]);
        let expected = json!([{"id": "甲", "posts": ["今天"]}, {"id": "乙", "posts": ["晚上"]}]);
        assert_eq!(received.json(), expected);
        assert!(received.notes.is_empty());
    }

    #[test]
    fn rows_with_more_cells_than_columns_were_cut() {
        let table = "id,bid,user_id,微博正文\n1,a,604,今天,真好\n2,b,604,晚上\n";
        let (received, _) = read(&WeiboSearch, &[("a.csv", table.as_bytes())]);
        assert_eq!(received.users[0].posts, ["晚上"]);
        assert_eq!(received.bad_records.len(), 1);
    }

    #[test]
    fn unreadable_bytes_were_not_told() {
        let table =
            b"bid,user_id,\xE5\xBE\xAE\xE5\x8D\x9A\xE6\xAD\xA3\xE6\x96\x87\na,604,tea\xFF\n";
        let (received, _) = read(&WeiboSearch, &[("a.csv", &table[..])]);
        assert_eq!(received.users[0].posts, ["tea\u{FFFD}"]);
        assert_eq!(received.notes, ["1 byte is not UTF-8 and read as \u{FFFD}"]);
    }

    #[test]
    fn posts_are_grouped_by_user() {
        let csv = "\u{FEFF}id,bid,user_id,用户昵称,微博正文,发布时间,retweet_id\r\n\
            3,c,17,甲,晚安,2020-02-13 21:30,\r\n2,b,18,乙,转发微博,2020-02-12 21:30,9\r\n\
            1,a,17,甲,早安,2020-02-11 21:30,\r\n4,d,18,乙,好,2020-02-12 21:30,9\r\n";
        let (received, counts) = read(&WeiboSearch, &[("词.csv", csv.as_bytes())]);
        let expected =
            json!([{"id": "17", "posts": ["早安", "晚安"]}, {"id": "18", "posts": ["好"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!(counts.reposts, 1);
    }
}
