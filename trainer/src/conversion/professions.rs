//! Industries grouped into professions.

use clap::ValueEnum;

/// A grouping of the Blog Authorship Corpus's industries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Professions {
    /// The paper's seven: IT, Government, Finance, Services, Art, Student, Education
    Paper,
}

/// Professions of the paper and the industries they cover.
const PAPER: [(&str, &[&str]); 7] = [
    ("IT", &["Technology", "Internet"]),
    (
        "Government",
        &["Government", "Military", "LawEnforcement-Security"],
    ),
    ("Finance", &["Banking", "Accounting", "InvestmentBanking"]),
    (
        "Services",
        &[
            "BusinessServices",
            "Consulting",
            "HumanResources",
            "Tourism",
            "Transportation",
            "RealEstate",
        ],
    ),
    ("Art", &["Arts", "Fashion", "Museums-Libraries"]),
    ("Student", &["Student"]),
    ("Education", &["Education"]),
];

impl Professions {
    /// The profession of an industry; `None` outside of all groups.
    pub fn of(self, industry: &str) -> Option<&'static str> {
        let groups = match self {
            Self::Paper => PAPER,
        };
        let group = (groups.iter()).find(|(_, industries)| industries.contains(&industry));
        group.map(|&(profession, _)| profession)
    }
}
