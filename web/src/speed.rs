//! Measures the speed of a model in this browser, and derives the faster backend and the size of a chunk of work.

use crate::protocol::ChunkSize;

/// How long a chunk of a long piece of work should take, in milliseconds. A text typed meanwhile waits so long.
const CHUNK_MS: f64 = 50.0;
/// Characters of a chunk before anything was measured.
const FIRST_CHUNK: usize = 16_000;
/// The least characters of a chunk. Less would spend most of the time on messages.
const SMALLEST_CHUNK: f64 = 2_000.0;
/// The most characters of a chunk. More would take much memory.
const LARGEST_CHUNK: f64 = 1_000_000.0;
/// The most users of a chunk, because each of them takes time, however short the text is.
const MOST_USERS: usize = 256;
/// The GPU is started for work that takes the CPU at least this many milliseconds: its program has to be fetched and
/// its shaders compiled.
const WORTH_A_START: f64 = 3_000.0;
/// The fewest characters whose time is a measure of the speed.
const INFORMATIVE: usize = 500;

/// The length of a user's posts in characters, Unicode scalar values. All lengths in messages are counted like this.
pub fn characters(posts: &[String]) -> usize {
    posts.iter().map(|post| post.chars().count()).sum()
}

/// The newest measurements of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speed {
    /// Milliseconds a character on the CPU.
    cpu: Option<f64>,
    /// Milliseconds a batch on the GPU.
    gpu: Option<f64>,
    /// Milliseconds a character on the backend that ran last.
    newest: Option<f64>,
}

impl Speed {
    /// Records the CPU's time for texts of this many characters.
    pub fn cpu_took(&mut self, characters: usize, milliseconds: f64) {
        if characters >= INFORMATIVE {
            self.cpu = Some(milliseconds / characters as f64);
            self.newest = self.cpu;
        }
    }

    /// Records the GPU's time for a batch of this many characters.
    pub fn gpu_took(&mut self, characters: usize, milliseconds: f64) {
        self.gpu = Some(milliseconds);
        if characters >= INFORMATIVE {
            self.newest = Some(milliseconds / characters as f64);
        }
    }

    /// Whether the GPU should predict these characters, of a piece of work of which `ahead` characters follow.
    pub fn is_gpu_better(&self, characters: usize, ahead: u64) -> bool {
        let Some(cpu) = self.cpu else {
            // The CPU needs no start, and its time is needed to estimate what the GPU could save.
            return false;
        };
        match self.gpu {
            None => (characters as f64 + ahead as f64) * cpu > WORTH_A_START,
            // The time on a GPU hardly depends on the length of the text: it is spent waiting for one step after the
            // other.
            Some(milliseconds) => milliseconds < characters as f64 * cpu,
        }
    }

    /// How much to ask for at a time, so that each answer takes about 50 ms.
    pub fn chunk(&self) -> ChunkSize {
        let characters = self.newest.map_or(FIRST_CHUNK, |milliseconds| {
            // Clocks of browsers are coarse: a measured time of 0 gives the largest chunk.
            (CHUNK_MS / milliseconds).clamp(SMALLEST_CHUNK, LARGEST_CHUNK) as usize
        });
        ChunkSize {
            users: MOST_USERS,
            characters,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_backend_by_measurement_is_better() {
        let mut speed = Speed::default();
        assert!(!speed.is_gpu_better(1_000, 10_000_000), "the CPU first");
        speed.cpu_took(100, 90.0);
        assert!(
            !speed.is_gpu_better(1_000, 10_000_000),
            "that was too short to tell"
        );
        speed.cpu_took(10_000, 20.0);
        assert!(!speed.is_gpu_better(10_000, 1_000_000), "2 s of work");
        assert!(speed.is_gpu_better(10_000, 2_000_000), "4 s of work");
        speed.gpu_took(10_000, 5.0);
        assert!(speed.is_gpu_better(10_000, 0));
        assert!(!speed.is_gpu_better(2_000, 0), "4 ms on the CPU");
        speed.gpu_took(10_000, 50.0);
        assert!(!speed.is_gpu_better(10_000, 2_000_000), "a slow GPU");
    }

    #[test]
    fn a_chunk_takes_about_fifty_milliseconds() {
        let mut speed = Speed::default();
        let mut chunk_after = |characters, milliseconds| {
            speed.cpu_took(characters, milliseconds);
            speed.chunk().characters
        };
        assert_eq!(chunk_after(499, 900.0), 16_000, "too short to tell");
        assert_eq!(chunk_after(16_000, 100.0), 8_000);
        assert_eq!(chunk_after(8_000, 0.0), 1_000_000);
        assert_eq!(chunk_after(1_000_000, 1e6), 2_000);
        speed.gpu_took(2_000, 10.0);
        assert_eq!(speed.chunk().characters, 10_000, "the backend of now");
        assert_eq!(speed.chunk().users, 256);
    }
}
