//! How busy the machine is.

/// How many processors we may use; at least one.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Runnable processes per processor, averaged over the last minute; `None` where the system does
/// not tell.
#[expect(unsafe_code, reason = "no safe wrapper of getloadavg is at hand")]
pub(crate) fn per_processor() -> Option<f64> {
    let mut averages = [0.0_f64; 1];
    // SAFETY: the call writes at most one number into an array of one.
    let told = unsafe { libc::getloadavg(averages.as_mut_ptr(), 1) };
    let count = u32::try_from(processors()).unwrap_or(u32::MAX);
    (told == 1).then(|| averages[0] / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_processors_and_a_load() {
        assert!(processors() >= 1);
        assert!(per_processor().is_none_or(|load| load >= 0.0));
    }
}
