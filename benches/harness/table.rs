//! The table that is printed.

use super::Contestant;

/// Prints Markdown; the ratio is against the median of the first row.
pub(crate) fn print(contestants: &[Contestant<'_>]) {
    let first = contestants.first().map_or(f64::NAN, Contestant::median);
    println!("| what | median ms | p10 | p90 | cpu ms | ratio | peak KiB |");
    println!("|---|---|---|---|---|---|---|");
    for row in contestants {
        println!(
            "| {} | {:.3} | {:.3} | {:.3} | {:.3} | {:.2} | {} |",
            row.name,
            row.median(),
            row.quantile(0.1),
            row.quantile(0.9),
            row.processor(),
            row.median() / first,
            row.peak_kib(),
        );
    }
}
