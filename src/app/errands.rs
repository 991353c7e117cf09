//! Work that goes on after the answer to the request that began it, such as an import: one thing after the
//! other, until the server stops.

use std::pin::Pin;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, watch};

/// Something to do.
pub type Errand = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is to be done, and whether anything is done any more.
#[derive(Debug)]
pub struct Errands {
    to_do: UnboundedSender<Errand>,
    next: Mutex<UnboundedReceiver<Errand>>,
    is_over: watch::Sender<bool>,
}

impl Default for Errands {
    fn default() -> Self {
        let (to_do, next) = unbounded_channel();
        Self { to_do, next: Mutex::new(next), is_over: watch::Sender::new(false) }
    }
}

impl Errands {
    /// Has it done when what was handed over before is done; `false` when nothing is done any more.
    pub fn hand_over(&self, errand: Errand) -> bool {
        !self.is_over() && self.to_do.send(errand).is_ok()
    }

    /// Does what is handed over, until it is [over](Self::end): what is being done then is waited for. What waits
    /// is begun all the same, so that it finds out by itself, and gives back what it holds.
    pub async fn run(&self) {
        let mut next = self.next.lock().await;
        let mut over = self.is_over.subscribe();
        loop {
            let errand = tokio::select! {
                biased;
                _ = over.wait_for(|is_over| *is_over), if !next.is_closed() => {
                    // Nothing more is taken from here on; behind what is there comes the end.
                    next.close();
                    continue;
                }
                errand = next.recv() => errand,
            };
            let Some(errand) = errand else { return };
            errand.await;
        }
    }

    /// Asks what is being done to come to an end, and begins nothing more.
    pub fn end(&self) {
        self.is_over.send_replace(true);
    }

    /// Whether whatever takes long should stop at the next good moment.
    #[must_use]
    pub fn is_over(&self) -> bool {
        *self.is_over.borrow()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_after_the_other_until_the_end() {
        let (errands, done) = (Arc::new(Errands::default()), Arc::new(AtomicUsize::new(0)));
        for _ in 0..2 {
            let (ended, done) = (Arc::clone(&errands), Arc::clone(&done));
            assert!(errands.hand_over(Box::pin(async move {
                if done.fetch_add(1, Ordering::SeqCst) == 1 {
                    ended.end();
                }
            })));
        }
        errands.run().await;
        assert_eq!(done.load(Ordering::SeqCst), 2);
        assert!(!errands.hand_over(Box::pin(async {})));
    }

    #[tokio::test]
    async fn what_waits_at_the_end_hears_of_it() {
        let (errands, heard) = (Arc::new(Errands::default()), Arc::new(AtomicUsize::new(0)));
        for _ in 0..3 {
            let (errand, heard) = (Arc::clone(&errands), Arc::clone(&heard));
            assert!(errands.hand_over(Box::pin(async move {
                heard.fetch_add(usize::from(errand.is_over()), Ordering::SeqCst);
            })));
        }
        errands.end();
        errands.run().await;
        assert_eq!(heard.load(Ordering::SeqCst), 3);
        assert!(!errands.hand_over(Box::pin(async {})));
    }
}
