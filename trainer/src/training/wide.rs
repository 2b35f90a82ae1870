//! Fits the wide component: chooses its features, and fits a linear classifier over them for each task.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use model_core::{
    predictor::add,
    tfidf,
    vocabulary::Vocabulary,
    wide::{CharacterFallback, Feature, TfidfVectorizer, Wide, count},
};
use rayon::prelude::*;
use sparse_linear::{
    Examples, LinearError, LinearModel, SparseMatrix, SupportVectorMachine, folds, out_of_fold,
};

use super::{
    TrainError,
    calibration::{self, Scored},
    data::{Data, Task},
    examples::Example,
};
use crate::{config, evaluation::are_fair_sample, progress::notice};

/// The maximum number of candidate features, the most frequent ones. It bounds the memory.
const CANDIDATES: usize = 400_000;
/// The scales from which each task chooses: its scores times the scale are added to the network's logits.
const SCALES: [f32; 12] = [
    0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0,
];
/// The number of parts of a task's users. The values that other tasks read of each part come from a classifier of the other parts.
const FOLDS: usize = 5;

/// What the wide component is fitted to.
pub struct Fit<'a> {
    /// The settings.
    pub settings: &'a config::Wide,
    /// The tasks.
    pub tasks: &'a [Task],
    /// How Chinese words outside the features are read.
    pub character_fallback: CharacterFallback,
    /// The training users.
    pub users: Vec<&'a Example>,
    /// For each task, validation texts of several lengths.
    pub validation: &'a [Vec<Text<'a>>],
}

/// A text of word ids, with the network's logits.
pub type Text<'a> = (&'a [u32], Scored);

impl<'a> Fit<'a> {
    /// The fit to the training users of `data`, whose texts consist of words of the vocabulary.
    pub fn new(
        data: &'a Data,
        settings: &'a config::Wide,
        vocabulary: &Vocabulary,
        validation: &'a [Vec<Text<'a>>],
    ) -> Self {
        let users = data.parts.training.iter();
        Self {
            settings,
            tasks: &data.tasks,
            character_fallback: CharacterFallback::of(vocabulary),
            users: users.map(|&user| &data.users[user]).collect(),
            validation,
        }
    }

    /// The wide component. Each task has the scale with the lowest log loss on the validation texts, which may be 0.
    ///
    /// First, classifiers over all candidate features are fitted. They decide which features are kept and, on the validation
    /// texts, the cost of each task and whether it is stacked upon the others. Then each task's classifier is fitted again over
    /// the kept features alone.
    pub fn wide(&self) -> Result<Wide, TrainError> {
        let candidates = self.candidates()?;
        let matrix = matrix(&candidates, &self.users)?;
        let mut chosen = Vec::new();
        for task in 0..self.tasks.len() {
            let fit = |cost| self.classifier(&matrix, task, cost);
            chosen.push(self.choose(task, &candidates, false, fit)?);
        }
        if self.settings.stacking {
            let models = chosen.iter().map(|choice| choice.model.clone());
            let stages = self.first_stages(&matrix, &chosen, models)?;
            for (task, choice) in chosen.iter_mut().enumerate() {
                let second = SecondStage::new(&matrix, &stages, task)?;
                let fit = |cost| second.fit(|matrix| self.classifier(matrix, task, cost));
                let stacked = self.choose(task, &candidates, true, fit)?;
                if stacked.loss < choice.loss {
                    *choice = stacked;
                }
            }
        }
        let features = most_informative(
            chosen.iter().map(|choice| &choice.model),
            self.settings.features,
        );
        let vectorizer = TfidfVectorizer::new(
            features
                .iter()
                .map(|&row| candidates.features()[row])
                .collect(),
            features.iter().map(|&row| candidates.idf()[row]).collect(),
            self.character_fallback.clone(),
        )
        .map_err(TrainError::Unusable)?;
        let matrix = self::matrix(&vectorizer, &self.users)?;
        let alone = (chosen.iter().enumerate())
            .map(|(task, choice)| self.classifier(&matrix, task, choice.cost))
            .collect::<Result<Vec<_>, _>>()?;
        let stages = match chosen.iter().any(|choice| choice.is_stacked) {
            true => self.first_stages(&matrix, &chosen, alone.iter().cloned())?,
            false => Vec::new(),
        };
        let mut classifiers = Vec::new();
        for (task, (choice, alone)) in chosen.iter().zip(alone).enumerate() {
            let &Choice {
                cost, is_stacked, ..
            } = choice;
            let model = match is_stacked {
                true => SecondStage::new(&matrix, &stages, task)?
                    .fit(|matrix| self.classifier(matrix, task, cost))?,
                false => alone,
            };
            let (_, scale) = self.best_scale(task, &vectorizer, &model);
            notice!(
                "wide component, {}: cost {cost}, scores times {scale}{}",
                self.tasks[task].attribute.name,
                if is_stacked { ", stacked" } else { "" }
            );
            classifiers.push((model, scale));
        }
        side_by_side(vectorizer, &classifiers)
    }

    /// The words and pairs of at least `min_users` training users, with their idf.
    pub(super) fn candidates(&self) -> Result<TfidfVectorizer, TrainError> {
        let frequencies = (self.users.par_iter())
            .fold(hashbrown::HashMap::<Feature, u32>::new, |mut sums, user| {
                for feature in count(&self.character_fallback.apply(&user.words)).into_keys() {
                    *sums.entry(feature).or_default() += 1;
                }
                sums
            })
            .reduce(hashbrown::HashMap::new, |mut sums, others| {
                for (feature, users) in others {
                    *sums.entry(feature).or_default() += users;
                }
                sums
            });
        let mut frequencies: Vec<(Feature, u32)> = (frequencies.into_iter())
            .filter(|&(_, users)| users as usize >= self.settings.min_users)
            .collect();
        frequencies.sort_unstable_by_key(|&(feature, users)| (Reverse(users), feature));
        frequencies.truncate(CANDIDATES);
        let idf = (frequencies.iter())
            .map(|&(_, with)| tfidf::idf(self.users.len(), with))
            .collect();
        let features = frequencies.iter().map(|&(feature, _)| feature).collect();
        let character_fallback = self.character_fallback.clone();
        TfidfVectorizer::new(features, idf, character_fallback).map_err(TrainError::Unusable)
    }

    /// The users (as places in `users`) that a task's classifier is fitted to, and their classes. Files in which many labels are
    /// intervals are left out if the others have two classes: the users of one class are not a fair sample of such a file.
    fn examples(&self, task: usize) -> (Vec<usize>, Vec<usize>) {
        let mut files = HashMap::<usize, (usize, usize)>::new();
        for user in &self.users {
            let (intervals, all) = files.entry(user.file).or_default();
            *intervals += usize::from(user.intervals[task].is_some());
            *all += usize::from(user.classes_of(task).is_some());
        }
        let is_fair = |user: &Example| {
            let (intervals, all) = files[&user.file];
            are_fair_sample(intervals, all)
        };
        let with_class = || {
            let users = self.users.iter().enumerate();
            users.filter(|(_, user)| user.classes[task].is_some())
        };
        let fair_classes = with_class().filter(|(_, user)| is_fair(user));
        let fair_classes: HashSet<_> = fair_classes.map(|(_, user)| user.classes[task]).collect();
        let are_enough = fair_classes.len() > 1;
        with_class()
            .filter(|(_, user)| is_fair(user) || !are_enough)
            .filter_map(|(place, user)| Some((place, user.classes[task]?)))
            .unzip()
    }

    /// The classifier of a task over the features of `matrix`, which has a row for each training user.
    pub(super) fn classifier(
        &self,
        matrix: &SparseMatrix,
        task: usize,
        cost: f64,
    ) -> Result<LinearModel, LinearError> {
        let (rows, classes) = self.examples(task);
        let matrix = matrix.select(&rows);
        let examples = Examples::new(&matrix, &classes, self.tasks[task].class_count())?;
        self.fit(&examples, cost)
    }

    fn fit(&self, examples: &Examples, cost: f64) -> Result<LinearModel, LinearError> {
        let classifier = SupportVectorMachine {
            cost,
            class_weights: examples.balanced_weights(self.settings.class_balance),
            ..SupportVectorMachine::default()
        };
        Ok(classifier.check()?.fit(examples)?.model)
    }

    /// The classifier of the cost with the lowest log loss on the validation texts.
    fn choose(
        &self,
        task: usize,
        vectorizer: &TfidfVectorizer,
        is_stacked: bool,
        fit: impl Fn(f64) -> Result<LinearModel, LinearError>,
    ) -> Result<Choice, LinearError> {
        let choices = (self.settings.costs.iter())
            .map(|&cost| {
                let model = fit(cost)?;
                let (loss, _) = self.best_scale(task, vectorizer, &model);
                Ok(Choice {
                    loss,
                    cost,
                    is_stacked,
                    model,
                })
            })
            .collect::<Result<Vec<_>, LinearError>>()?;
        let best = choices
            .into_iter()
            .min_by(|one, other| one.loss.total_cmp(&other.loss));
        Ok(best.expect("the settings name a cost"))
    }

    /// The first stage of each task; `models` are the classifiers over `matrix` with the chosen costs.
    fn first_stages(
        &self,
        matrix: &SparseMatrix,
        chosen: &[Choice],
        models: impl Iterator<Item = LinearModel>,
    ) -> Result<Vec<FirstStage>, LinearError> {
        let stage = |(task, (choice, model)): (usize, (&Choice, LinearModel))| {
            let mut values: Vec<Vec<f64>> = (0..matrix.rows())
                .map(|user| model.decision_values(matrix.row(user)))
                .collect();
            let (rows, classes) = self.examples(task);
            let own = matrix.select(&rows);
            let examples = Examples::new(&own, &classes, self.tasks[task].class_count())?;
            let folds = folds(&examples, FOLDS.min(examples.len()), 1)?;
            let unseen = out_of_fold(&examples, &folds, |part| self.fit(part, choice.cost))?;
            for (row, unseen) in rows
                .into_iter()
                .zip(unseen.chunks_exact(model.biases().len()))
            {
                values[row] = unseen.to_vec();
            }
            Ok(FirstStage { values, model })
        };
        chosen.iter().zip(models).enumerate().map(stage).collect()
    }

    /// The lowest log loss on the validation texts, and the scale of a classifier's scores that gives it.
    fn best_scale(
        &self,
        task: usize,
        vectorizer: &TfidfVectorizer,
        model: &LinearModel,
    ) -> (f64, f32) {
        let texts = &self.validation[task];
        let scores: Vec<Vec<f32>> = (texts.par_iter())
            .map(|(text, _)| scores(model, &vectorizer.row(text)))
            .collect();
        let compared = SCALES.into_par_iter().map(|scale| {
            let mixed: Vec<Scored> = (texts.iter().zip(&scores))
                .map(|((_, scored), scores)| {
                    let mut mixed = scored.clone();
                    for (logit, score) in mixed.logits.iter_mut().zip(scores) {
                        *logit += scale * score;
                    }
                    mixed
                })
                .collect();
            let calibration = calibration::fit(&mixed);
            (calibration::log_loss(&mixed, &calibration), scale)
        });
        let best = compared.min_by(|(one, _), (other, _)| one.total_cmp(other));
        best.expect("there are scales")
    }
}

/// A task's classifier over the candidates.
struct Choice {
    /// Its log loss on the validation texts.
    loss: f64,
    cost: f64,
    is_stacked: bool,
    model: LinearModel,
}

/// A task's classifier as the other tasks read it.
struct FirstStage {
    /// Its decision values for each training user, from classifiers that were not fitted to this user's label: the second stage
    /// is then fitted to values like those of unseen users.
    values: Vec<Vec<f64>>,
    model: LinearModel,
}

/// What a task's classifier reads when it is stacked (Wolpert 1992) upon those of the other tasks.
struct SecondStage<'a> {
    /// The features, and beside them the decision values of the other tasks' classifiers.
    matrix: SparseMatrix,
    others: Vec<&'a LinearModel>,
}

impl<'a> SecondStage<'a> {
    fn new(
        matrix: &SparseMatrix,
        stages: &'a [FirstStage],
        task: usize,
    ) -> Result<Self, LinearError> {
        let others = || {
            let stages = stages.iter().enumerate();
            stages.filter_map(move |(other, stage)| (other != task).then_some(stage))
        };
        let values: Vec<Vec<f64>> = (0..matrix.rows())
            .map(|user| {
                others()
                    .flat_map(|stage| stage.values[user].iter().copied())
                    .collect()
            })
            .collect();
        Ok(Self {
            matrix: matrix.beside(&values)?,
            others: others().map(|stage| &stage.model).collect(),
        })
    }

    /// The classifier that `classifier` learns, over the features alone.
    fn fit(
        &self,
        classifier: impl Fn(&SparseMatrix) -> Result<LinearModel, LinearError>,
    ) -> Result<LinearModel, LinearError> {
        Ok(classifier(&self.matrix)?.without_stages(&self.others))
    }
}

/// Adds the scores of the wide component to the logits of each task's texts.
pub fn add_scores(wide: &Wide, tasks: &[Task], texts: &mut [Vec<Text>]) {
    let mut first = 0;
    for (task, texts) in tasks.iter().zip(texts) {
        let classes = task.class_count();
        texts.par_iter_mut().for_each(|(text, scored)| {
            let scores = &wide.scores(text)[first..first + classes];
            add(std::slice::from_mut(&mut scored.logits), scores);
        });
        first += classes;
    }
}

/// A row of TF-IDF values for each user.
pub(super) fn matrix(
    vectorizer: &TfidfVectorizer,
    users: &[&Example],
) -> Result<SparseMatrix, LinearError> {
    let rows: Vec<Vec<(u32, f32)>> = (users.par_iter())
        .map(|user| vectorizer.row(&user.words))
        .collect();
    let mut matrix = SparseMatrix::new(vectorizer.features().len());
    for row in rows {
        matrix.push_row(row)?;
    }
    Ok(matrix)
}

/// A classifier's weights for a feature, one for each class. Of two classes a classifier has one weight, which counts for the
/// second and against the first.
fn class_weights(model: &LinearModel, weights: &[f32]) -> impl Iterator<Item = f32> {
    let both = match weights {
        &[weight] if model.classes() == 2 => Some([-weight, weight]),
        _ => None,
    };
    let each = if both.is_some() { &[] } else { weights };
    both.into_iter().flatten().chain(each.iter().copied())
}

/// The weights of a feature.
fn weights_of(model: &LinearModel, row: usize) -> &[f32] {
    let classifiers = model.biases().len();
    &model.weights()[row * classifiers..][..classifiers]
}

fn biases(model: &LinearModel) -> Vec<f32> {
    let biases: Vec<f32> = model.biases().iter().map(|&bias| bias as f32).collect();
    class_weights(model, &biases).collect()
}

/// A classifier's score for each class of a text whose features have these values.
pub(super) fn scores(model: &LinearModel, row: &[(u32, f32)]) -> Vec<f32> {
    let mut scores = biases(model);
    for &(feature, value) in row {
        let weights = class_weights(model, weights_of(model, feature as usize));
        for (score, weight) in scores.iter_mut().zip(weights) {
            *score += value * weight;
        }
    }
    scores
}

/// The rows, in order, of the `most` features with the largest weights: by the sum over classifiers of the squared weights,
/// each divided by the classifier's mean square.
fn most_informative<'a>(models: impl Iterator<Item = &'a LinearModel>, most: usize) -> Vec<usize> {
    let mut sums: Vec<f64> = Vec::new();
    for model in models {
        sums.resize(model.features(), 0.0);
        let square = |row| {
            let weights = weights_of(model, row).iter();
            weights
                .map(|&weight| f64::from(weight).powi(2))
                .sum::<f64>()
        };
        let squares: Vec<f64> = (0..model.features()).map(square).collect();
        let mean = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
        for (sum, square) in sums.iter_mut().zip(squares) {
            *sum += square / mean.max(f64::MIN_POSITIVE);
        }
    }
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by(|&one, &other| sums[other].total_cmp(&sums[one]).then(one.cmp(&other)));
    order.truncate(most);
    order.sort_unstable();
    order
}

/// The tasks' classifiers side by side, each with its scale.
fn side_by_side(
    vectorizer: TfidfVectorizer,
    classifiers: &[(LinearModel, f32)],
) -> Result<Wide, TrainError> {
    let row = |row: usize| {
        classifiers
            .iter()
            .flat_map(move |(model, _)| class_weights(model, weights_of(model, row)))
    };
    let weights: Vec<f32> = (0..vectorizer.features().len()).flat_map(row).collect();
    let bias = classifiers
        .iter()
        .flat_map(|(model, _)| biases(model))
        .collect();
    let scales = (classifiers.iter())
        .flat_map(|(model, scale)| std::iter::repeat_n(*scale, model.classes()));
    Wide::quantise(vectorizer, &weights, bias)
        .map(|wide| wide.scaled(scales))
        .map_err(TrainError::Unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{User, UserKey};
    use model_core::{attribute::Attribute, aux_lstm::Role};
    use std::path::Path;

    /// Users of class 1 use the word 5, and the words of the others in reverse order.
    fn users() -> Vec<Example> {
        (0..60)
            .map(|index| Example {
                key: UserKey::new(Path::new("users.jsonl"), &User::default()),
                words: match index % 2 {
                    0 => [2, 3, 6, 7, 2, 4].into(),
                    _ => [2, 7, 6, 3, 2, 4, 5].into(),
                },
                classes: vec![Some(index % 2); 2],
                intervals: vec![None; 2],
                file: 0,
                fingerprint: 0,
            })
            .collect()
    }

    fn task(name: &str) -> Task {
        Task {
            attribute: Attribute {
                name: name.into(),
                classes: vec!["0".into(), "1".into()],
                coarse_classes: Vec::new(),
            },
            role: Role::Main,
            weight: 1.0,
            file_weights: Vec::new(),
        }
    }

    /// A text of two classes of which the network knows nothing.
    fn scored(class: usize, words: usize) -> Scored {
        Scored {
            logits: vec![0.0; 2],
            classes: class..class + 1,
            words,
        }
    }

    #[test]
    fn informative_features_are_found_and_a_misleading_task_has_scale_0() {
        let users = users();
        let settings = config::Wide {
            features: 10,
            ..config::Wide::default()
        };
        // The network's logits are 0. The labels of the validation users are swapped for the second task.
        let validation = [0, 1].map(|task| {
            (users.iter())
                .filter_map(|user| {
                    let class = user.classes[task]?.abs_diff(task);
                    Some((&user.words[..], scored(class, user.words.len())))
                })
                .collect::<Vec<_>>()
        });
        let fit = Fit {
            settings: &settings,
            tasks: &[task("first"), task("second")],
            character_fallback: CharacterFallback::default(),
            users: users.iter().collect(),
            validation: &validation,
        };
        let wide = fit.wide().unwrap();
        let mut features = wide.vectorizer().features().to_vec();
        features.sort_unstable();
        // Without the words and the pair that all users have.
        let informative = [
            [2, 3],
            [2, 7],
            [3, 2],
            [3, 6],
            [4, 5],
            [5, 0],
            [6, 3],
            [6, 7],
            [7, 2],
            [7, 6],
        ];
        assert_eq!(features, informative);
        for user in &users {
            let scores = wide.scores(&user.words);
            assert_eq!(scores[1] > scores[0], user.classes[0] == Some(1));
            assert_eq!(scores[2..], [0.0, 0.0]);
        }
    }

    #[test]
    fn a_task_with_few_labels_learns_from_one_with_many() {
        // Each of 40 words tells both classes, which agree. Three users use it; the first task has labels for eight words.
        let class = |index: usize| index % 2;
        let users: Vec<Example> = (0..120)
            .map(|index| Example {
                words: [2, 10 + index as u32 % 40].into(),
                classes: vec![(index < 8).then_some(class(index)), Some(class(index))],
                ..users()[0].clone()
            })
            .collect();
        let validation = [0, 1].map(|_| {
            let users = users.iter().enumerate();
            users
                .map(|(index, user)| (&user.words[..], scored(class(index), 2)))
                .collect::<Vec<_>>()
        });
        let right = |stacking| {
            let settings = config::Wide {
                stacking,
                ..config::Wide::default()
            };
            let fit = Fit {
                settings: &settings,
                tasks: &[task("first"), task("second")],
                character_fallback: CharacterFallback::default(),
                users: users.iter().collect(),
                validation: &validation,
            };
            let wide = fit.wide().unwrap();
            let is_right = |&(index, user): &(usize, &Example)| {
                let scores = wide.scores(&user.words);
                scores[class(index)] > scores[1 - class(index)]
            };
            users.iter().enumerate().filter(is_right).count()
        };
        assert_eq!(right(true), 120);
        assert!(right(false) < 80, "{}", right(false));
    }

    #[test]
    fn files_with_many_interval_labels_are_not_fitted_to() {
        fn classifier(users: &[Example]) -> LinearModel {
            let fit = Fit {
                settings: &config::Wide::default(),
                tasks: &[task("first")],
                character_fallback: CharacterFallback::default(),
                users: users.iter().collect(),
                validation: &[],
            };
            let features = (2..9).map(|word| [word, 0]).collect();
            let vectorizer =
                TfidfVectorizer::new(features, vec![1.0; 7], CharacterFallback::default()).unwrap();
            let matrix = matrix(&vectorizer, &fit.users).unwrap();
            fit.classifier(&matrix, 0, 1.0).unwrap()
        }
        let users = users();
        // The users of another file all use the word 8, and the labels of the first ones are intervals.
        let with_intervals = |intervals: usize| {
            let others = users.iter().cloned().enumerate().map(|(index, user)| {
                let class = user.classes[0].filter(|_| index >= intervals);
                Example {
                    intervals: vec![class.is_none().then_some(0..2); 2],
                    classes: vec![class; 2],
                    words: [8].into(),
                    file: 1,
                    ..user
                }
            });
            users.iter().cloned().chain(others).collect::<Vec<_>>()
        };
        assert_eq!(classifier(&with_intervals(30)), classifier(&users));
        assert_ne!(classifier(&with_intervals(1)), classifier(&users));
        // Without other files, these users are used after all.
        assert_eq!(classifier(&with_intervals(30)[60..]).classes(), 2);
    }
}
