//! The program: everything is in the library, so that tests and benches see it too.

fn main() -> std::process::ExitCode {
    cph::cli::main()
}
