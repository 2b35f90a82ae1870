//! The CSV files of the program weiboSpider.

use std::io;

use crate::files::stem;
use crate::table::each_row;
use crate::weibo::{names_users, own_words};
use crate::weibo_crawler::spider_words;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, time};

/// A CSV file per user, called by the user's id.
pub(crate) struct WeiboSpider;

const ABOUT: About = About {
    name: "weibo-spider",
    input: "CSV files USER-ID.csv of weiboSpider with the columns 微博id and 微博正文",
    reads: "`微博正文`; one user per file",
    labels: &[],
    leaves_out: "reposts without own words; reposted text and `//@` tails",
};

impl Format for WeiboSpider {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        file.may_be(&["csv"])
            && file.has_columns(&["微博id", "微博正文"])
            && !names_users(file)
            && !file.has_labels()
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let user = stem(&name);
            each_row(files, &name, grouping, &mut |grouping, row| {
                let own = own_words(
                    spider_words(row.cell("微博正文")),
                    row.cell("是否为原创微博") == "False",
                );
                grouping.counts().quotations += u64::from(own.had_quotation);
                grouping.add(Post {
                    user: &user,
                    id: Some(row.cell("微博id")),
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
    use crate::testing::{assert_unknown, read};
    use serde_json::json;

    #[test]
    fn a_table_of_several_users_was_one_user() {
        let csv = "微博id,用户昵称,微博正文\n1,小明,加班\n2,小红,公园\n";
        assert_unknown("posts.csv", csv);
    }

    #[test]
    fn reposts_keep_only_own_words() {
        let csv = "\u{FEFF}微博id,微博正文,是否为原创微博,发布时间\r\n\
            b,\"转发理由:哈哈\n原始用户: 小红\n转发内容: 别人的话\",False,2020-02-12 21:30\r\n\
            a,早安,True,2020-02-11 21:30\r\n\
            c,\"转发理由:转发微博\n转发内容: 别人的话\",False,2020-02-13 21:30\r\n";
        let (received, counts) = read(&WeiboSpider, &[("17.csv", csv.as_bytes())]);
        assert_eq!(
            received.json(),
            json!([{"id": "17", "posts": ["早安", "哈哈"]}])
        );
        assert_eq!(counts.reposts, 1);
    }
}
