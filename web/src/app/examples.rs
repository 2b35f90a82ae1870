//! Texts to try: the one of the paper's Figure 1, and others made up for this page.

use crate::locale::Locale;

/// Posts by one writer and a name for them.
#[derive(Clone, Copy)]
pub struct Example {
    /// The language of the posts.
    pub locale: Locale,
    /// The label of the button.
    pub name: &'static str,
    /// The posts, one per line.
    pub text: &'static str,
}

/// The examples in the order of their buttons: those in the visitor's language come first.
pub fn examples(locale: Locale) -> impl Iterator<Item = Example> {
    let (own, others): (Vec<Example>, Vec<Example>) =
        (EXAMPLES.into_iter()).partition(|example| example.locale == locale);
    own.into_iter().chain(others)
}

const EXAMPLES: [Example; 8] = [
    Example {
        locale: Locale::English,
        name: "Exam week",
        text: "ugh two more finals tomorrow and i havent even opened my chem book lol\n\
               mom says no mall until report cards come out, so unfair!!\n\
               band practice was fun tho, jess and i laughed so hard we couldn't play\n\
               ok gotta go study, talk to u guys after school",
    },
    Example {
        locale: Locale::English,
        name: "Build server",
        text: "Spent the whole evening on the build server. The new release of the compiler broke two of our \
               modules, and the logs say nothing useful.\n\
               Moved my mail to another host and finally installed a proper firewall on the home network.\n\
               My wife asks why I have four computers and still no working printer. Fair question.\n\
               If your software needs a reboot to change a setting, your software has a bug.",
    },
    Example {
        locale: Locale::English,
        name: "Forty essays",
        text: "Graded forty essays this weekend. My students write better than they think, and worse than their \
               parents think.\n\
               The principal wants us to cover the whole book before the spring test. In a class of thirty-two \
               children, some of whom still need help with reading, that is a dream.\n\
               One of my girls brought me a drawing of our classroom today. I pinned it over my desk.\n\
               My husband cooked dinner so that I could finish the lesson plans.",
    },
    Example {
        locale: Locale::English,
        name: "Opening night",
        text: "The gallery opens on Friday and half of my canvases are still wet.\n\
               I walked along the river all afternoon with my camera, looking for that one light I saw last \
               winter.\n\
               Listening to the same record again and again while I paint. The colours get darker by the hour.\n\
               A friend asked what the big one means. I said it means I should sleep more.",
    },
    Example {
        // The text of the paper's Figure 1.
        locale: Locale::English,
        name: "C code at 19",
        text: "I have enough energy to writing C code everyday, because I was only 19 years old.",
    },
    Example {
        locale: Locale::Chinese,
        name: "期末周",
        text: "明天还有两门考试，书一页都没翻开😭\n\
               妈妈说成绩出来之前不许去逛街，太过分了！！\n\
               今天乐队排练好开心，跟小雨笑到弹不下去哈哈哈\n\
               不说了，去复习啦，放学再聊~",
    },
    Example {
        locale: Locale::Chinese,
        name: "服务器",
        text: "整个晚上都在折腾编译服务器，新版本一升级，两个模块全挂了，日志里什么有用的都没有。\n\
               把邮箱搬到了新主机，家里的网络也终于装上了防火墙。\n\
               老婆问我：家里四台电脑，为什么打印机还是不能用？问得好。\n\
               改个设置就要重启的软件，一定有bug。",
    },
    Example {
        locale: Locale::Chinese,
        name: "四十篇作文",
        text: "周末改了四十篇作文。孩子们写得比他们自己以为的好，比家长以为的差。\n\
               校长希望期中考试之前把整本书讲完，一个班三十二个学生，这只能是个梦[笑cry]\n\
               今天有个小姑娘送我一幅画，画的是我们的教室，我把它贴在了办公桌前。\n\
               老公做了晚饭，我才有时间写教案。",
    },
];
