//! Signals that end a run: they set a flag that the run looks at, so that it can end its tools and leave nothing behind.

use anymod_build::Cancel;

/// A flag that Ctrl-C, a termination request and a closed terminal set.
pub(crate) fn cancel() -> Cancel {
    let cancel = Cancel::default();
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).unwrap_or(1);
            // Without a handler the signal ends the process as it does by default.
            let _ = signal_hook::flag::register_usize(signal, cancel.flag(), number);
        }
    }
    cancel
}
