//! The report on an experiment: the paper's tables and more, from stored cells alone.

mod document;
mod drawing;
mod paper;
mod plots;
mod results;
mod tables;

use document::Document;
use results::Results;

use super::{Cell, CorpusSummary};

/// A report, written down twice.
pub struct Report {
    /// The tables, in Markdown.
    pub markdown: String,
    /// Tables and plots on one HTML page that needs no other file, no script and no network.
    pub html: String,
}

impl Report {
    /// Scores cells of experiments on this corpus and writes down what came out. Tests of significance draw `resamples`
    /// samples of users.
    ///
    /// The error is one line that says which cell does not fit the corpus or another cell.
    pub fn new(corpus: CorpusSummary, cells: Vec<Cell>, resamples: usize) -> Result<Self, String> {
        let number = cells.len();
        let results = Results::new(corpus, cells, resamples)?;
        let mut document = Document::new(format!(
            "The paper's experiments on {}",
            results.corpus.name
        ));
        document.text(format!(
            "What the systems of the paper (Joint Learning on Relevant User Attributes in Micro-blog, IJCAI 2017) and \
             some of our own reach on this corpus, from {number} results. The paper's figures, where they are \
             given, are those of another corpus, Chinese users of Tencent Micro-blog: they cannot be reached or missed, \
             only the order of the systems can be compared."
        ));
        tables::overview(&mut document, &results);
        how_to_read(&mut document, resamples);
        tables::users(&mut document, &results);
        tables::ages(&mut document, &results);
        tables::individual(&mut document, &results);
        tables::joint(&mut document, &results);
        tables::coarse_classes(&mut document, &results);
        tables::others(&mut document, &results);
        let gains = tables::gains(&results);
        tables::association(&mut document, &results, &gains);
        plots::plots(&mut document, &results, &gains);
        Ok(Self {
            markdown: document.to_markdown(),
            html: document.to_html(),
        })
    }
}

fn how_to_read(document: &mut Document, resamples: usize) {
    document.section("How to read the tables");
    document.text(
        "P and R are precision and recall averaged over the classes, and F = 2PR/(P+R) of these two, as in the paper; \
         mean class F1 is the average of the classes' F1, which other work calls macro F1. ECE is the expected calibration \
         error. All are of test users that no training or choice of settings has seen. A seed decides the split of the \
         users and all that is random in learning; figures are means over seeds ± their standard deviation. What was not \
         measured is called \"not run\".",
    );
    document.text(
        "The column of the paper has its P / R / F, or its difference of F: figures of another corpus, beside ours for \
         the order of the systems only.",
    );
    document.text(format!(
        "Differences are tested by a bootstrap over users: {} samples of the users are drawn with replacement, all \
         seeds and systems are scored on the same sample, and a difference is the mean over seeds. The interval has the \
         middle 95 % of the samples, p is two-sided. The t-test is the paper's, after Yang and Liu (1999), paired over \
         the F1 of the classes: with two or three classes it can hardly show anything. In brackets is p by Holm's correction for all \
         comparisons of the table. ▲ and ▼: F is above or below that of LSTM, △ and ▽: that of Aux-LSTM on the same \
         attributes, with a corrected p below {} in the bootstrap. The tests take \
         the learned systems as they are; that another seed learns another one is in the ± only. Where a class is hardly ever \
         predicted, its precision leaps from sample to sample, and an interval of F can lie askew around the difference.",
        crate::table::count(resamples as u64),
        results::SIGNIFICANT
    ));
}
