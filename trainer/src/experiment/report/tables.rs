//! The sections of a report that have tables.

use super::document::{Document, Figure, Grid};
use super::drawing;
use super::entries::{
    Entry, Gain, against_aux_lstm, against_lstm, individual_entries, is_of_paper, joint_entries,
};
use super::figures::{
    NONE, NOT_RUN, PAPER, ece, interval, labels, levels, name, number, share, signed,
};
use super::paper;
use super::results::{AttributeResults, Results, Row, capitalised};
use super::scores::scores;
use crate::evaluation::Report;
use crate::table::{chart, count, gapless, percent};

/// The attributes, and the figures of the best system for each.
pub fn overview(document: &mut Document, results: &Results) {
    let header = [
        "attribute",
        "classes",
        "test users",
        "largest class",
        "macro-F1 of SVM",
        "macro-F1 of LSTM",
        "best on validation users",
        "its macro-F1",
        "its F (paper)",
        "its accuracy",
        "its ECE",
    ];
    let mut table = Grid::new(header);
    for attribute in &results.attributes {
        let best = attribute.best();
        for level in 0..levels(attribute) {
            let of = |row: Option<&Row>, figure: fn(&Report) -> f64| {
                row.and_then(|row| row.spread(level, figure))
            };
            let macro_f1 = |row| number(of(row, |report| report.metrics.macro_f1));
            let users = of(best, |report| report.metrics.users as f64);
            table.row([
                name(attribute, level),
                labels(attribute, level).len().to_string(),
                users.map_or(NOT_RUN.into(), |users| count(users.mean.round() as u64)),
                number(of(best, |report| report.metrics.majority)),
                macro_f1(attribute.row("svm", &[])),
                macro_f1(attribute.lstm()),
                best.map_or(NOT_RUN.into(), Row::label),
                macro_f1(best),
                number(of(best, |report| report.metrics.f)),
                number(of(best, |report| report.metrics.accuracy)),
                number(of(best, ece)),
            ]);
        }
    }
    document.table(table);
}

/// Tables 1 and 2, and their like for other attributes.
pub fn users(document: &mut Document, results: &Results) {
    document.section("Tables 1 and 2: users by class");
    document.text(format!(
        "The users of each class, of {} in the corpus, beside those of the paper's corpus.",
        count(results.corpus.users as u64)
    ));
    for attribute in &results.attributes {
        let summary = &attribute.summary;
        let paper = paper::attribute(&summary.name).and_then(|attribute| attribute.users);
        let heading = match paper {
            Some((number, _)) => format!("Table {number}: {}", summary.name),
            None => capitalised(&summary.name),
        };
        document.part(heading);
        let theirs = paper.map_or(&[][..], |(_, classes)| classes);
        let of_paper = |class: &str| {
            let mut theirs = theirs.iter();
            theirs.find(|(other, _)| other.eq_ignore_ascii_case(class))
        };
        let labelled: usize = summary.counts.iter().sum();
        let mut header = vec!["class", "users", "share"];
        header.extend(paper.map(|_| PAPER));
        let mut table = Grid::new(header);
        let mut row = |class: &str, ours: Option<usize>, theirs: Option<u64>| {
            let ours = ours.map(|users| users as u64);
            let mut row = vec![
                class.to_owned(),
                ours.map_or(NONE.into(), count),
                ours.map_or(NONE.into(), |users| percent(users, labelled as u64)),
            ];
            row.extend(paper.map(|_| theirs.map_or(NONE.into(), count)));
            table.row(row);
        };
        for (class, &users) in summary.classes.iter().zip(&summary.counts) {
            row(class, Some(users), of_paper(class).map(|(_, users)| *users));
        }
        for (class, users) in theirs {
            let known = |other: &String| other.eq_ignore_ascii_case(class);
            if !summary.classes.iter().any(known) {
                row(class, None, Some(*users));
            }
        }
        document.table(table);
    }
}

/// Figure 2.
pub fn ages(document: &mut Document, results: &Results) {
    document.section("Figure 2: users by age");
    let Some(ages) = &results.corpus.ages else {
        document.text("The ages of these users in years are not known.");
        return;
    };
    document.text(
        "The users of each stated age. The paper shows its own only as a drawing: most of its users are between 18 \
         and 28, and its eleven classes of age are these years.",
    );
    let ages: Vec<(i64, u64)> = (ages.iter())
        .map(|(age, users)| (*age, *users as u64))
        .collect();
    let bars: Vec<(String, u64)> = (gapless(&ages).into_iter())
        .map(|(age, users)| (age.to_string(), users))
        .collect();
    let figure = Figure {
        title: "Users by age".into(),
        drawing: drawing::bars("Users by age", "age in years", "users", &bars),
        legend: Vec::new(),
    };
    document.chart(chart(&ages), figure);
}

/// Table 3.
pub fn individual(document: &mut Document, results: &Results) {
    document.section("Table 3: systems that learn one attribute alone");
    for attribute in &results.attributes {
        document.part(capitalised(&attribute.summary.name));
        let entries = individual_entries(attribute);
        scores(document, attribute, 0, &entries, &against_lstm(&entries));
    }
}

/// Tables 4 to 6, and their like for other attributes.
pub fn joint(document: &mut Document, results: &Results) {
    let mut attributes: Vec<&AttributeResults> = results.attributes.iter().collect();
    let number = |attribute: &AttributeResults| {
        paper::attribute(&attribute.summary.name).map(|attribute| attribute.joint_table)
    };
    attributes.sort_by_key(|attribute| number(attribute).unwrap_or(u8::MAX));
    for attribute in attributes {
        let name = &attribute.summary.name;
        let entries = joint_entries(attribute);
        if entries.len() == 1 {
            // An attribute that the paper does not have, without joint runs.
            continue;
        }
        document.section(match number(attribute) {
            Some(number) => format!("Table {number}: joint learning for {name}"),
            None => format!("Joint learning for {name}"),
        });
        let mut pairs = against_lstm(&entries);
        pairs.extend(against_aux_lstm(&entries));
        scores(document, attribute, 0, &entries, &pairs);
    }
}

/// The same systems on coarse classes.
pub fn coarse_classes(document: &mut Document, results: &Results) {
    for attribute in &results.attributes {
        if levels(attribute) < 2 {
            continue;
        }
        document.section(name(attribute, 1));
        document.text(format!(
            "The same runs, with the classes of {} merged into {}. The probability of a coarse class is the sum of those \
             of its classes. The paper has no such figures.",
            attribute.summary.name,
            labels(attribute, 1).join(", "),
        ));
        let mut entries = individual_entries(attribute);
        entries.extend(joint_entries(attribute).into_iter().skip(1));
        for entry in &mut entries {
            entry.paper = None;
        }
        let mut pairs = against_lstm(&entries);
        pairs.extend(against_aux_lstm(&entries));
        scores(document, attribute, 1, &entries, &pairs);
    }
}

/// All runs that are in no table of the paper.
pub fn others(document: &mut Document, results: &Results) {
    document.section("Beyond the paper's tables");
    document.text(
        "Variants, sweeps of a setting, and more than two attributes. A variant is compared with its system without \
         the variant, other rows with LSTM, and all of them with SVM.",
    );
    let mut any = false;
    for attribute in &results.attributes {
        let mut entries: Vec<Entry> = (attribute.rows.iter())
            .filter(|row| !is_of_paper(row))
            .map(Entry::of)
            .collect();
        let ours = entries.len();
        if ours == 0 {
            continue;
        }
        any = true;
        let mut pairs = Vec::new();
        for index in 0..ours {
            let Some(row) = entries[index].row else {
                continue;
            };
            let base = (attribute.row(&row.key.system, &row.key.auxiliary))
                .filter(|base| base.key != row.key)
                .or(attribute.lstm());
            for reference in [base, attribute.row("svm", &[])].into_iter().flatten() {
                let known = |entry: &Entry| (entry.row).is_some_and(|row| row.key == reference.key);
                let place = entries.iter().position(known).unwrap_or_else(|| {
                    entries.push(Entry::of(reference));
                    entries.len() - 1
                });
                pairs.push((index, place));
            }
        }
        document.part(capitalised(&attribute.summary.name));
        scores(document, attribute, 0, &entries, &pairs);
        if levels(attribute) > 1 {
            document.part(name(attribute, 1));
            scores(document, attribute, 1, &entries, &pairs);
        }
    }
    if !any {
        document.text(NOT_RUN);
    }
}

/// The association of attributes, and the gain of joint learning.
pub fn association(document: &mut Document, results: &Results, gains: &[Gain]) {
    document.section("Joint gain against the attributes' association");
    document.text(
        "Cramér's V of two attributes over all users with a label for both: 0 where they are independent, 1 where one \
         determines the other; also corrected for its bias (Bergsma 2013). The gain is the difference of Aux-LSTM to \
         LSTM in F (paper), the mean over the seeds that both have, with its 95 % interval.",
    );
    let mut table = Grid::new(["attributes", "users", "Cramér's V", "corrected"]);
    for pair in &results.corpus.association {
        table.row([
            format!("{}, {}", pair.a, pair.b),
            count(pair.users as u64),
            share(pair.cramers_v),
            share(pair.cramers_v_corrected),
        ]);
    }
    if !table.is_empty() {
        document.table(table);
    }
    let mut table = Grid::new([
        "main task, auxiliary task",
        "Cramér's V",
        "gain in F (paper)",
        "95 % interval",
    ]);
    for gain in gains {
        table.row([
            gain.pair.clone(),
            share(gain.association),
            signed(gain.f.observed),
            interval(&gain.f),
        ]);
    }
    match table.is_empty() {
        true => document.text(NOT_RUN),
        false => document.table(table),
    }
}
