//! A prompt as blocks: sentences, and lists under their lead; code and quotations taken out.
//!
//! Knows nothing of what sentences mean. Invariant: nothing that somebody else said or wrote (a
//! fence, an indented block, `>` lines, quotation marks) is left in it; names in backticks are.

/// Stands where a quotation stood: no word of any table.
pub(super) const QUOTED: &str = "\u{fffc}";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Lines that belong together, joined.
    Prose(String),
    /// The texts of bullets or numbers.
    List(Vec<String>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) blocks: Vec<Block>,
}

impl Text {
    pub(super) fn of(prompt: &str) -> Self {
        let mut text = Self::default();
        let mut fence: Option<&str> = None;
        let mut is_after_blank = true;
        for line in prompt.lines() {
            let trimmed = line.trim();
            if let Some(mark) = fence {
                if trimmed.starts_with(mark) {
                    fence = None;
                }
                continue;
            }
            fence = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark));
            let is_code = is_after_blank && (line.starts_with("    ") || line.starts_with('\t'));
            if fence.is_some() || trimmed.starts_with('>') {
                text.blocks.push(Block::Prose(QUOTED.to_owned()));
            } else if let Some(item) = bullet(trimmed) {
                text.add_item(&unquoted(item));
            } else if is_code {
                continue;
            } else {
                text.add_line(&unquoted(trimmed), is_after_blank);
            }
            is_after_blank = trimmed.is_empty();
        }
        text.join_names();
        text
    }

    fn add_item(&mut self, item: &str) {
        if let Some(Block::List(items)) = self.blocks.last_mut() {
            items.push(item.to_owned());
        } else {
            self.blocks.push(Block::List(vec![item.to_owned()]));
        }
    }

    fn add_line(&mut self, line: &str, is_after_blank: bool) {
        if line.is_empty() {
            return;
        }
        match self.blocks.last_mut() {
            Some(Block::Prose(prose)) if !is_after_blank && !is_name(line) => {
                prose.push(' ');
                prose.push_str(line);
            }
            _ => self.blocks.push(Block::Prose(line.to_owned())),
        }
    }

    /// Lines that hold nothing but the name of a file are a list too.
    fn join_names(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        for block in blocks {
            match block {
                Block::Prose(line) if is_name(&line) => self.add_item(&line),
                block => self.blocks.push(block),
            }
        }
    }

    /// Of everything that is not in a list.
    pub(super) fn sentences(&self) -> impl Iterator<Item = String> + '_ {
        self.blocks.iter().flat_map(|block| match block {
            Block::Prose(prose) => sentences(prose),
            Block::List(_) => Vec::new(),
        })
    }
}

fn is_name(line: &str) -> bool {
    !line.contains(char::is_whitespace) && super::words::is_file(line)
}

/// The text behind a bullet or number.
fn bullet(line: &str) -> Option<&str> {
    let marked = ["- ", "* ", "• ", "+ "].into_iter().find_map(|mark| line.strip_prefix(mark));
    let item = marked.or_else(|| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = line.len() - rest.len();
        let rest = rest.strip_prefix(['.', ')']).filter(|_| (1..=3).contains(&digits))?;
        rest.strip_prefix(' ')
    })?;
    let item = item.trim();
    let item =
        ["[ ] ", "[x] "].into_iter().find_map(|mark| item.strip_prefix(mark)).unwrap_or(item);
    Some(item.trim())
}

/// Where a sentence ends: a mark and a blank behind it. A name may hold dots.
pub(super) fn sentences(prose: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut last: Option<(usize, char)> = None;
    for (at, c) in prose.char_indices() {
        if let Some((end, mark)) = last
            && c.is_whitespace()
            && matches!(mark, '.' | '!' | '?' | ';')
            && !prose[begin..end].ends_with("e.g")
        {
            found.push(prose[begin..at].trim().to_owned());
            begin = at;
        }
        last = Some((at, c));
    }
    found.push(prose[begin..].trim().to_owned());
    found.retain(|sentence| !sentence.is_empty());
    found
}

/// Takes quotations out and backticks off.
fn unquoted(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some((at, open)) = rest.char_indices().find(|&(at, c)| opens(rest, at, c)) {
        kept.push_str(&rest[..at]);
        let after = &rest[at + open.len_utf8()..];
        let close = match open {
            '“' => '”',
            '«' => '»',
            other => other,
        };
        let Some(end) = after.find(close) else {
            // Nothing closes it: who knows what is quoted.
            kept.push_str(QUOTED);
            return kept;
        };
        let inner = &after[..end];
        if open == '`' && !inner.contains(char::is_whitespace) && !inner.is_empty() {
            kept.push_str(inner);
        } else {
            kept.push_str(QUOTED);
        }
        rest = &after[end + close.len_utf8()..];
    }
    kept.push_str(rest);
    // Marks of Markdown mean nothing here.
    kept.replace("**", "").trim().to_owned()
}

fn opens(text: &str, at: usize, c: char) -> bool {
    match c {
        '"' | '`' | '“' | '«' => true,
        // Else it is an apostrophe.
        '\'' => {
            let is_first =
                text[..at].chars().next_back().is_none_or(|c| c.is_whitespace() || c == '(');
            is_first && text[at + 1..].contains('\'')
        }
        _ => false,
    }
}
