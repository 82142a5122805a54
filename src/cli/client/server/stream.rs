//! Server-sent events, read as they come: pieces of bytes in, whole messages out.
//!
//! Of the format, what a server of ours uses: `id`, `event`, `data` over several lines, comments, and a blank line as the end.
//! A message without data is none.

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Its number, to go on from.
    pub id: Option<String>,
    /// Its data.
    pub data: String,
}

/// What has come of a message so far.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    message: Message,
    has_data: bool,
}

impl Parser {
    /// Takes a piece; the messages that end in it.
    pub fn take(&mut self, piece: &[u8]) -> Vec<Message> {
        let mut found = Vec::new();
        for byte in piece {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                found.extend(self.on_line(line.strip_suffix('\r').unwrap_or(&line)));
            } else {
                self.line.push(*byte);
            }
        }
        found
    }

    fn on_line(&mut self, line: &str) -> Option<Message> {
        if line.is_empty() {
            let message = std::mem::take(&mut self.message);
            return std::mem::take(&mut self.has_data).then_some(message);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.message.id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(value);
                self.has_data = true;
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Parser};

    fn message(id: Option<&str>, data: &str) -> Message {
        Message { id: id.map(str::to_owned), data: data.to_owned() }
    }

    const TEXT: &str = ": hello\n\nid: 7\nevent: graph.deployed\ndata: {\"a\":\ndata: 1}\n\nid: 8\r\ndata:x:y\r\n\r\nevent: nothing\n\n";

    #[test]
    fn messages_come_whole_whatever_the_pieces() {
        let wanted = vec![message(Some("7"), "{\"a\":\n1}"), message(Some("8"), "x:y")];
        for size in [1, 2, 3, 7, 1000] {
            let mut parser = Parser::default();
            let found: Vec<Message> = TEXT.as_bytes().chunks(size).flat_map(|piece| parser.take(piece)).collect();
            assert_eq!(found, wanted, "pieces of {size}");
        }
    }

    #[test]
    fn what_has_not_ended_is_no_message() {
        let mut parser = Parser::default();
        assert_eq!(parser.take(b"data: half"), []);
        assert_eq!(parser.take(b"\n\n"), [message(None, "half")]);
    }
}
