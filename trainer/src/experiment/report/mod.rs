//! The report on an experiment: the paper's tables and more, from the stored runs alone.

mod entries;
mod few_labels;
mod figures;
mod paper;
mod plots;
mod results;
mod scores;
mod tables;

use crate::document::Document;
use results::Results;

use super::{CorpusSummary, Run};

/// A report in two formats.
pub struct Report {
    /// The tables, in Markdown.
    pub markdown: String,
    /// Tables and plots on one HTML page without scripts or external files.
    pub html: String,
}

impl Report {
    /// Evaluates runs on this corpus. Tests of significance draw `resamples` samples of users.
    ///
    /// # Errors
    /// One line that names a run that does not fit the corpus or another run.
    pub fn new(corpus: CorpusSummary, runs: Vec<Run>, resamples: usize) -> Result<Self, String> {
        let number = runs.len();
        let results = Results::new(corpus, runs, resamples)?;
        let corpus = &results.corpus;
        let mut document = Document::new(match corpus.paper {
            true => format!("The paper's experiments on {}", corpus.name),
            false => format!("Experiments on {}", corpus.name),
        });
        document.text(match corpus.paper {
            true => format!(
                "Results of the systems of the paper (Joint Learning on Relevant User Attributes in Micro-blog, IJCAI \
                 2017) and of variants on this corpus, from {number} runs. The paper's figures are those of another \
                 corpus, Chinese users of Tencent Micro-blog. Only the order of the systems can be compared with them."
            ),
            false => format!(
                "Results on this corpus, from {}.",
                crate::table::counted(number as u64, "run")
            ),
        });
        tables::overview(&mut document, &results);
        tables::seeds(&mut document, &results);
        how_to_read(&mut document, corpus.paper, resamples);
        tables::users(&mut document, &results);
        tables::ages(&mut document, &results);
        tables::individual(&mut document, &results);
        tables::joint(&mut document, &results);
        tables::coarse_classes(&mut document, &results);
        few_labels::tables(&mut document, &results);
        tables::others(&mut document, &results);
        tables::runs(&mut document, &results);
        // The first of the plots belongs to the section of the association.
        let gains = entries::gains(&results);
        tables::association(&mut document, &results, &gains);
        plots::plots(&mut document, &results, &gains);
        Ok(Self {
            markdown: document.to_markdown(),
            html: document.to_html(),
        })
    }
}

fn how_to_read(document: &mut Document, is_paper: bool, resamples: usize) {
    document.section("How to read the tables");
    document.text(
        "Macro-F1 is the mean of the classes' F1. P and R are precision and recall averaged over the classes, and F \
         (paper) is the paper's F, 2PR/(P+R) of these two averages. The best system is chosen by F (paper), and the \
         plots show it, as F. ECE is the expected calibration error. All figures are of \
         test users, who were used neither for training nor for choosing settings. A seed decides the split of the \
         users and all random choices in learning; figures are means over seeds ± their standard deviation.",
    );
    if is_paper {
        document.text(
            "The column of the paper has its P / R / F, or its difference in F, on another corpus. Systems without \
             results are marked \"not run\". Beside the paper's figures, tables of differences have its t-test, after \
             Yang and Liu (1999), which pairs the F1 of the classes. Its p is too low, because one user in the wrong \
             class lowers the F1 of two classes. Two equally good classifiers with an accuracy of 0.8 differ at p < \
             0.05 in 24 % of simulations with 2 classes, and in 14 % with 3 or 7 classes (scripts/t_test.py); a valid \
             test has 5 %. No conclusion here rests on the t-test.",
        );
    }
    document.text(format!(
        "A row \"A Δ to B\" has the difference of A to B. Differences are tested by a bootstrap over users: {} \
         samples of the users are drawn with replacement, all seeds and systems are evaluated on the same sample, \
         and the difference is averaged over seeds. The interval contains the middle 95 % of the samples, p is \
         two-sided. In parentheses is p with Holm's correction for all comparisons of the table. A difference is \
         significant if the corrected p of the bootstrap is below {}: ▲ and ▼ mark F (paper) significantly above or \
         below that of LSTM, △ and ▽ that of Aux-LSTM on the same attributes. The tests do not include the \
         variation between seeds, which the ± shows. Where a class is rarely predicted, its precision varies much \
         between samples, and the interval of F (paper) may be asymmetric.",
        crate::table::count(resamples as u64),
        results::SIGNIFICANT
    ));
}
