//! Asks before something is taken away: on a terminal only, a script has to say `--yes`.

use super::flags::Sure;
use crate::cli::Failure;
use anyhow::anyhow;
use std::io::{self, BufRead, IsTerminal, Write};

/// Asks whether `what` (`remove graph shop of project default`) is meant.
///
/// # Errors
/// It is not meant (1), or there is nobody to ask (2).
pub fn confirm(what: &str, sure: Sure) -> Result<(), Failure> {
    if sure.yes {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::input(anyhow!("there is no terminal to ask on whether to {what}\n  say `--yes`")));
    }
    let mut answer = String::new();
    write!(io::stderr(), "{what}? [y/N] ").and_then(|()| io::stdin().lock().read_line(&mut answer))?;
    if is_yes(&answer) { Ok(()) } else { Err(Failure::run(anyhow!("nothing was done: not confirmed"))) }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::{confirm, is_yes};
    use crate::cli::client::flags::Sure;

    #[test]
    fn only_yes_is_yes() {
        assert!(["y", "Y\n", " yes \n", "YES"].iter().all(|answer| is_yes(answer)));
        assert!(["", "\n", "n", "no", "yep", "y y"].iter().all(|answer| !is_yes(answer)));
    }

    #[test]
    fn who_is_sure_is_not_asked() {
        assert!(confirm("remove it", Sure { yes: true }).is_ok());
    }
}
