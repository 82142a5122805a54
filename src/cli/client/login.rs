//! `smo login`: keeps a server and a token, after the server has said whose it is.

use super::flags::{At, Format};

const EXAMPLES: &str = "\
Examples:
  smo login --server https://smo.example.org                 asks for the token
  smo login --server https://smo.example.org --token-stdin < token
  smo login --server https://10.0.0.4:8000 --ca ca.pem --token-file token
  smo login --forget

The server and the token are kept in login.json, which only you can read: in $SMO_DIR, else in
~/.config/smo (or ~/.smo where only that exists). The token is shown to that server only.";

/// Keep a server and a token for the other commands, once the server has taken it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Read the token from standard input.
    #[arg(long, conflicts_with = "token_file")]
    token_stdin: bool,
    /// Forget what is kept.
    #[arg(long, conflicts_with_all = ["token_stdin", "token_file", "server", "ca"])]
    forget: bool,
    /// What to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    at: At,
}

#[cfg(feature = "live")]
pub use doing::run;

#[cfg(feature = "live")]
mod doing {
    use super::Arguments;
    use crate::cli::Failure;
    use crate::cli::client::flags::variable;
    use crate::cli::client::saved::{self, Login, Secret};
    use crate::cli::client::server::address::Address;
    use crate::cli::client::server::{Ask, Server};
    use crate::cli::client::told::{self, cell, text};
    use anyhow::Context;
    use serde_json::Value;
    use std::io::{self, IsTerminal, Read, Write};
    use std::path::PathBuf;

    /// What a token may weigh.
    const TOKEN_BYTES_MAX: u64 = 64 << 10;

    /// Logs in, or forgets.
    ///
    /// # Errors
    /// A server that does not answer, or does not take the token.
    pub async fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
        let path = saved::path()?;
        if arguments.forget {
            let word = if saved::forget(&path)? { "forgotten" } else { "nothing was kept in" };
            return Ok(writeln!(out, "{word}  {}", path.display())?);
        }
        let kept = saved::read(&path)?;
        let mut address = Address::of(&arguments.at, kept.as_ref())?;
        // A token that is kept is there to be replaced.
        let said = arguments.at.token_file.is_some() || variable("SMO_TOKEN").is_some();
        if arguments.token_stdin {
            address.token = Some(token_from(&mut io::stdin().lock())?);
        } else if !said {
            address.token = asked(&address)?;
        }
        let ca = arguments.at.ca.clone().or_else(|| variable("SMO_CA").map(PathBuf::from));
        let ca = ca.map(std::path::absolute).transpose().map_err(Failure::input)?;
        let login = Login { server: address.base.to_string(), token: address.token.clone(), ca };
        let server = Server::at(address)?;
        let who = server.ask(&Ask::get(&["whoami"])).await?.body;
        saved::write(&path, &login)?;
        told::print(arguments.format, &who, out, |who| {
            let open = login.token.is_some() && login.server.starts_with("http://") && !is_near(&login.server);
            let note = if open { "note   the token travels unencrypted; `https://` would hide it\n" } else { "" };
            format!("{} at {}\nkept   {}\n{note}", words(who), server.url(), path.display())
        })
    }

    /// The token that is typed on a terminal, unseen; none where nothing is typed, or nobody is there.
    fn asked(address: &Address) -> Result<Option<Secret>, Failure> {
        let terminal = console::Term::stderr();
        if !(io::stdin().is_terminal() && terminal.is_term()) {
            return Ok(None);
        }
        write!(
            io::stderr(),
            "token for {} (nothing, where it wants none): ",
            address.base.as_str().trim_end_matches('/')
        )?;
        let typed = terminal.read_secure_line()?;
        if typed.trim().is_empty() { Ok(None) } else { Secret::new(&typed).map(Some) }
    }

    fn token_from(input: &mut dyn Read) -> Result<Secret, Failure> {
        let mut text = String::new();
        input.take(TOKEN_BYTES_MAX).read_to_string(&mut text).context("standard input").map_err(Failure::input)?;
        Secret::new(&text)
    }

    /// Whether a server is on this machine.
    fn is_near(server: &str) -> bool {
        let host = server.trim_start_matches("http://");
        ["127.", "localhost", "[::1]"].iter().any(|near| host.starts_with(near))
    }

    /// `ann (operator of project demo)`.
    fn words(who: &Value) -> String {
        let project = who["project"].as_str().map(|project| format!(" of project {project}")).unwrap_or_default();
        format!("{} ({}{project})", cell(&who["name"]), text(who, "role"))
    }

    #[cfg(test)]
    mod tests {
        use super::{is_near, token_from, words};
        use serde_json::json;

        #[test]
        fn who_is_told_with_what_the_token_allows() {
            let who = json!({"name": "ann", "role": "operator", "project": "demo"});
            assert_eq!(words(&who), "ann (operator of project demo)");
            assert_eq!(words(&json!({"name": "ann", "role": "admin", "project": null})), "ann (admin)");
        }

        #[test]
        fn a_token_is_the_first_and_only_word_of_the_input() {
            assert_eq!(token_from(&mut "smo_t\n".as_bytes()).unwrap().expose(), "smo_t");
            for wrong in ["", "two\nlines\n"] {
                assert_eq!(token_from(&mut wrong.as_bytes()).unwrap_err().code, 2, "{wrong:?}");
            }
        }

        #[test]
        fn only_this_machine_is_near() {
            assert!(["http://127.0.0.1:8000/", "http://localhost/", "http://[::1]:80/"].iter().all(|url| is_near(url)));
            assert!(!is_near("http://10.0.0.4:8000/"));
        }
    }
}
