//! The sections of a report that have tables.

use super::entries::{
    Entry, Gain, against_aux_lstm, against_lstm, individual_entries, is_of_paper, joint_entries,
    shown,
};
use super::figures::{
    NONE, NOT_RUN, PAPER, ece, interval, labels, levels, name, number, share, signed,
};
use super::paper;
use super::results::{AttributeResults, EvaluatedRun, Results, Row, capitalised, has_few, label};
use super::scores::scores;
use crate::document::drawing;
use crate::document::{Document, Figure, Grid};
use crate::evaluation::Report;
use crate::experiment::CorpusSummary;
use crate::table::{chart, count, counted, gapless, percent};

/// The attributes, and the figures of the best system for each.
pub fn overview(document: &mut Document, results: &Results) {
    let is_paper = results.corpus.paper;
    let was_run = |system: &str| {
        let mut attributes = results.attributes.iter();
        attributes.any(|attribute| attribute.row(system, &[]).is_some())
    };
    let references: Vec<&str> = (["svm", paper::LSTM].into_iter())
        .filter(|system| is_paper || was_run(system))
        .collect();
    let mut header = ["attribute", "classes", "test users", "largest class"]
        .map(String::from)
        .to_vec();
    let title = |system: &&str| format!("macro-F1 of {}", label(system, "", &[]));
    header.extend(references.iter().map(title));
    let of_best = [
        "best on validation users",
        "its macro-F1",
        "its F (paper)",
        "its accuracy",
        "its ECE",
    ];
    header.extend(of_best.map(String::from));
    let mut table = Grid::new(header);
    let has_best = |attribute: &&AttributeResults| is_paper || attribute.best().is_some();
    let mut attributes = results.attributes.iter().filter(has_best).peekable();
    if attributes.peek().is_none() {
        document.text(
            "No system has learned from all labels of an attribute. The best system is chosen among those that have, so this \
             report names none.",
        );
        return;
    }
    for attribute in attributes {
        let best = attribute.best();
        for level in 0..levels(attribute) {
            let of = |row: Option<&Row>, figure: fn(&Report) -> f64| {
                row.and_then(|row| row.spread(level, figure))
            };
            let of_system = |system: &&str| {
                let row = attribute.row(system, &[]);
                match of(row, |report| report.metrics.macro_f1) {
                    None if !is_paper => NONE.to_owned(),
                    spread => number(spread),
                }
            };
            let users = of(best, |report| report.metrics.users as f64);
            let mut row = vec![
                name(attribute, level),
                labels(attribute, level).len().to_string(),
                users.map_or(NOT_RUN.into(), |users| count(users.mean.round() as u64)),
                number(of(best, |report| report.metrics.majority)),
            ];
            row.extend(references.iter().map(of_system));
            row.extend([
                best.map_or(NOT_RUN.into(), Row::label),
                number(of(best, |report| report.metrics.macro_f1)),
                number(of(best, |report| report.metrics.f)),
                number(of(best, |report| report.metrics.accuracy)),
                number(of(best, ece)),
            ]);
            table.row(row);
        }
    }
    document.table(table);
}

/// A warning of rows with one seed.
pub fn seeds(document: &mut Document, results: &Results) {
    let rows = || {
        results
            .attributes
            .iter()
            .flat_map(|attribute| &attribute.rows)
    };
    let single = rows().filter(|row| row.runs.len() == 1).count();
    if single > 0 {
        document.text(format!(
            "Warning: {single} of {} have one seed. Nothing shows how much their figures vary with the split of the users \
             and with the random choices in learning; run them with several seeds.",
            counted(rows().count() as u64, "row")
        ));
    }
}

/// Tables 1 and 2, and their like for other attributes.
pub fn users(document: &mut Document, results: &Results) {
    let (heading, beside) = match results.corpus.paper {
        true => (
            "Tables 1 and 2: users by class",
            ", beside those of the paper's corpus",
        ),
        false => ("Users by class", ""),
    };
    document.section(heading);
    document.text(format!(
        "The users of each class, of {} in the corpus{beside}.",
        count(results.corpus.users as u64)
    ));
    for attribute in &results.attributes {
        let summary = &attribute.summary;
        let paper = paper::attribute(&summary.name)
            .filter(|_| results.corpus.paper)
            .and_then(|attribute| attribute.users);
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
    if results.corpus.paper {
        document.section("Figure 2: users by age");
        if results.corpus.ages.is_none() {
            document.text("The ages of these users in years are not known.");
        }
    }
    let Some(ages) = &results.corpus.ages else {
        return;
    };
    if results.corpus.paper {
        document.text(
            "The users of each stated age. The paper shows its own only as a drawing: most of its users are between 18 \
             and 28, and its eleven classes of age are these years.",
        );
    } else if results
        .attributes
        .iter()
        .any(|attribute| attribute.summary.name == "age")
    {
        document.section("Users by age");
    } else {
        return;
    }
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
    let of = |attribute| shown(results, individual_entries(attribute));
    let tables = results
        .attributes
        .iter()
        .map(|attribute| (attribute, of(attribute)));
    let tables: Vec<_> = tables.filter(|(_, entries)| !entries.is_empty()).collect();
    if tables.is_empty() {
        return;
    }
    document.section(match results.corpus.paper {
        true => "Table 3: systems that learn one attribute alone",
        false => "Systems that learn one attribute alone",
    });
    for (attribute, entries) in tables {
        document.part(capitalised(&attribute.summary.name));
        scores(document, attribute, 0, &entries, &against_lstm(&entries));
    }
}

/// Tables 4 to 6, and their like for other attributes.
pub fn joint(document: &mut Document, results: &Results) {
    let mut attributes: Vec<&AttributeResults> = results.attributes.iter().collect();
    let number = |attribute: &AttributeResults| {
        let of_paper = paper::attribute(&attribute.summary.name);
        Some(of_paper.filter(|_| results.corpus.paper)?.joint_table)
    };
    attributes.sort_by_key(|attribute| number(attribute).unwrap_or(u8::MAX));
    for attribute in attributes {
        let name = &attribute.summary.name;
        let mut lstm = joint_entries(attribute);
        let joint = shown(results, lstm.split_off(1));
        if joint.is_empty() {
            continue;
        }
        let mut entries = shown(results, lstm);
        entries.extend(joint);
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
    let note = match results.corpus.paper {
        true => " The paper has no such figures.",
        false => "",
    };
    for attribute in &results.attributes {
        let mut entries = individual_entries(attribute);
        entries.extend(joint_entries(attribute).into_iter().skip(1));
        let mut entries = shown(results, entries);
        if levels(attribute) < 2 || entries.is_empty() {
            continue;
        }
        document.section(name(attribute, 1));
        document.text(format!(
            "The same runs, with the classes of {} merged into {}. The probability of a coarse class is the sum of those \
             of its classes.{note}",
            attribute.summary.name,
            labels(attribute, 1).join(", "),
        ));
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
    let is_other = |row: &&Row| !is_of_paper(row) && !has_few(row);
    let has_other = |attribute: &AttributeResults| attribute.rows.iter().any(|row| is_other(&row));
    let any = results.attributes.iter().any(has_other);
    if !any && !results.corpus.paper {
        return;
    }
    document.section(match results.corpus.paper {
        true => "Beyond the paper's tables",
        false => "Variants and larger sets of attributes",
    });
    document.text(
        "Variants, sweeps of a setting, and more than two attributes. A variant is compared with its system without \
         the variant, other rows with LSTM, and all of them with SVM.",
    );
    for attribute in &results.attributes {
        let mut entries: Vec<Entry> = (attribute.rows.iter())
            .filter(is_other)
            .map(Entry::of)
            .collect();
        let ours = entries.len();
        if ours == 0 {
            continue;
        }
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

/// The runs: their users, what they chose, and their time.
pub fn runs(document: &mut Document, results: &Results) {
    document.section("Runs");
    let mut origin = Vec::new();
    let CorpusSummary {
        vectors, version, ..
    } = &results.corpus;
    if !version.is_empty() {
        origin.push(format!("Made by auxlstm {version}."));
    }
    if !vectors.is_empty() {
        origin.push(format!("Word vectors of networks: {vectors}."));
    }
    origin.push(
        "The users of each part who have a label, what was chosen on the validation users, and the time of learning and \
         testing."
            .into(),
    );
    document.text(origin.join(" "));
    let header = [
        "system",
        "attribute",
        "seed",
        "training users",
        "validation users",
        "test users",
        "chosen",
        "seconds",
    ];
    let mut table = Grid::new(header);
    for row in results
        .attributes
        .iter()
        .flat_map(|attribute| &attribute.rows)
    {
        for (seed, EvaluatedRun { run, .. }) in &row.runs {
            let chosen = run
                .chosen
                .iter()
                .map(|(name, value)| format!("{name} {value}"));
            let chosen = chosen.collect::<Vec<_>>().join(", ");
            table.row([
                row.label(),
                run.key.main.clone(),
                seed.to_string(),
                count(run.training_users as u64),
                match run.validation_users {
                    0 => NONE.into(),
                    users => count(users as u64),
                },
                count(run.test.len() as u64),
                if chosen.is_empty() {
                    NONE.into()
                } else {
                    chosen
                },
                format!("{:.1}", run.seconds),
            ]);
        }
    }
    document.table(table);
}

/// The association of attributes, and the gain of joint learning.
pub fn association(document: &mut Document, results: &Results, gains: &[Gain]) {
    let has_gain = results.corpus.paper || !gains.is_empty();
    if !has_gain && results.corpus.association.is_empty() {
        return;
    }
    document.section(match has_gain {
        true => "Joint gain against the attributes' association",
        false => "Association of the attributes",
    });
    let gain = match has_gain {
        true => {
            " The gain is the difference of Aux-LSTM to LSTM in F (paper), the mean over the seeds that both have, with its \
             95 % interval."
        }
        false => "",
    };
    document.text(format!(
        "Cramér's V of two attributes over all users with a label for both: 0 where they are independent, 1 where one \
         determines the other; also corrected for its bias (Bergsma 2013).{gain}"
    ));
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
        true if results.corpus.paper => document.text(NOT_RUN),
        true => {}
        false => document.table(table),
    }
}
