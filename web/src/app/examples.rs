//! Texts to try: made up for this page, and the one that the paper begins with.

/// A name for a button, and posts by one writer, one a line.
pub struct Example {
    /// What the button says.
    pub name: &'static str,
    /// What goes into the text area.
    pub text: &'static str,
}

/// The examples in the order of their buttons.
pub const EXAMPLES: [Example; 5] = [
    Example {
        name: "Exam week",
        text: "ugh two more finals tomorrow and i havent even opened my chem book lol\n\
               mom says no mall until report cards come out, so unfair!!\n\
               band practice was fun tho, jess and i laughed so hard we couldn't play\n\
               ok gotta go study, talk to u guys after school",
    },
    Example {
        name: "Build server",
        text: "Spent the whole evening on the build server. The new release of the compiler broke two of our \
               modules, and the logs say nothing useful.\n\
               Moved my mail to another host and finally installed a proper firewall on the home network.\n\
               My wife asks why I have four computers and still no working printer. Fair question.\n\
               If your software needs a reboot to change a setting, your software has a bug.",
    },
    Example {
        name: "Forty essays",
        text: "Graded forty essays this weekend. My students write better than they think, and worse than their \
               parents think.\n\
               The principal wants us to cover the whole book before the spring test. In a class of thirty-two \
               children, some of whom still need help with reading, that is a dream.\n\
               One of my girls brought me a drawing of our classroom today. I pinned it over my desk.\n\
               My husband cooked dinner so that I could finish the lesson plans.",
    },
    Example {
        name: "Opening night",
        text: "The gallery opens on Friday and half of my canvases are still wet.\n\
               I walked along the river all afternoon with my camera, looking for that one light I saw last \
               winter.\n\
               Listening to the same record again and again while I paint. The colours get darker by the hour.\n\
               A friend asked what the big one means. I said it means I should sleep more.",
    },
    Example {
        // The text of the paper's Figure 1.
        name: "C code at 19",
        text: "I have enough energy to writing C code everyday, because I was only 19 years old.",
    },
];
