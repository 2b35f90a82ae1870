//! A trained network with its wide component.

use model_core::{
    parameters::{self, Parameters},
    vocabulary::Vocabulary,
    wide::Wide,
};

use super::{
    Architecture, TrainError,
    calibration::{self, Scored},
    trainer::Trainer,
    wide,
};
use crate::config;

/// A network at its best epoch, with its wide component if the settings ask for one.
pub struct Trained<'a, A: Architecture> {
    pub(super) trainer: Trainer<'a, A>,
    network: A::Network,
    pub(super) wide: Option<Wide>,
}

impl<'a, A: Architecture> Trained<'a, A> {
    /// Takes the best epoch of a trainer that has come to the end, and fits the wide component to it, for which
    /// [`Data::check_validation`](super::Data::check_validation) must hold. Texts consist of words of the vocabulary.
    pub fn new(
        trainer: Trainer<'a, A>,
        settings: &config::Wide,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TrainError> {
        let source = parameters::source(&trainer.best_parameters);
        let network = (trainer.setup.architecture)
            .network(&mut Parameters::new(&trainer.device, source))
            .map_err(|what| {
                TrainError::Unusable(format!("the best epoch does not fit the network: {what}"))
            })?;
        let mut trained = Self {
            trainer,
            network,
            wide: None,
        };
        if settings.features > 0 {
            trained.wide = Some(trained.fit_wide(settings, vocabulary)?);
        }
        Ok(trained)
    }

    fn fit_wide(
        &self,
        settings: &config::Wide,
        vocabulary: &Vocabulary,
    ) -> Result<Wide, TrainError> {
        let data = &self.trainer.setup.data;
        wide::Fit::new(data, settings, vocabulary, &self.validation()?).wide()
    }

    /// The logits of `users`, a task at a time. Users without a label for a task are left out of it.
    pub fn scores(&self, users: &[usize]) -> Result<Vec<Vec<Scored>>, TrainError> {
        let scores = |texts: Vec<wide::Text>| texts.into_iter().map(|(_, scored)| scored).collect();
        let tasks = self.texts(users, usize::MAX)?;
        Ok(tasks.into_iter().map(scores).collect())
    }

    /// The logits of the validation users' texts, whole and cut to [`calibration::LENGTHS`], so that probabilities can be
    /// calibrated for texts of any length.
    pub(super) fn validation(&self) -> Result<Vec<Vec<wide::Text<'_>>>, TrainError> {
        let data = &self.trainer.setup.data;
        let mut validation = vec![Vec::new(); data.tasks.len()];
        for length in calibration::LENGTHS.into_iter().chain([usize::MAX]) {
            let is_longer =
                |&user: &usize| length == usize::MAX || data.users[user].words.len() > length;
            let users: Vec<usize> = (data.parts.validation.iter().copied())
                .filter(is_longer)
                .collect();
            for (texts, scored) in validation.iter_mut().zip(self.texts(&users, length)?) {
                texts.extend(scored);
            }
        }
        Ok(validation)
    }

    /// The first `words` words of each of `users` with their logits, a task at a time.
    pub(super) fn texts(
        &self,
        users: &[usize],
        words: usize,
    ) -> Result<Vec<Vec<wide::Text<'_>>>, TrainError> {
        let data = &self.trainer.setup.data;
        let scores = self.trainer.scores(&self.network, users, words)?;
        let mut texts: Vec<Vec<_>> = (scores.into_iter().enumerate())
            .map(|(task, scores)| {
                (users.iter().map(|&user| &data.users[user]))
                    .filter(|user| user.classes_of(task).is_some())
                    .map(|user| &user.words[..user.words.len().min(words)])
                    .zip(scores)
                    .collect()
            })
            .collect();
        if let Some(wide) = &self.wide {
            wide::add_scores(wide, &data.tasks, &mut texts);
        }
        Ok(texts)
    }
}
