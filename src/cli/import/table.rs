//! A CSV file as rows with line numbers.
//!
//! Promises: a byte order mark is taken off and decides the encoding; quoted cells may hold delimiters and
//! line breaks; a row with too few or too many cells is a fault of that row and not of the file; a file is
//! read as a stream (UTF-16, which Excel alone writes, is read whole).

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use anyhow::{Context as _, bail};

use super::mapping::Encoding;

/// A file that is being read.
pub struct Table {
    reader: csv::Reader<Box<dyn Read + Send>>,
    encoding: Encoding,
    pub header: Header,
}

/// The names of the columns.
#[derive(Debug, Clone, Default)]
pub struct Header {
    pub names: Vec<String>,
    by_name: HashMap<String, usize>,
}

impl Header {
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
}

/// One row as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// From 1; the header is line 1. The line on which a row with line breaks begins.
    pub line: u64,
    pub cells: Vec<String>,
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    pub cells: Cells,
    pub reason: String,
}

impl Table {
    /// Opens a file and reads its header.
    pub fn open(path: &Path, delimiter: u8, encoding: Encoding) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let (text, encoding) =
            decoded(file, encoding).with_context(|| format!("cannot read {}", path.display()))?;
        let text: Box<dyn Read + Send> = Box::new(Lines::new(text));
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(text);
        let mut record = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut record).with_context(|| format!("cannot read {}", path.display()))? {
            bail!("{} is empty: it has not even a header", path.display());
        }
        let names = cells(&record, encoding)
            .map_err(|reason| anyhow::anyhow!("the header of {} {reason}", path.display()))?;
        let names: Vec<String> = names.into_iter().map(|name| name.trim().to_owned()).collect();
        let mut by_name = HashMap::new();
        for (n, name) in names.iter().enumerate() {
            // A doubled column that nobody names does no harm; the first one counts.
            by_name.entry(name.clone()).or_insert(n);
        }
        Ok(Self { reader, encoding, header: Header { names, by_name } })
    }

    /// The next row; nothing at the end of the file. The outer error is that of the disk.
    pub fn next_row(&mut self) -> anyhow::Result<Option<Result<Cells, BadRow>>> {
        let mut record = csv::ByteRecord::new();
        if !self.reader.read_byte_record(&mut record)? {
            return Ok(None);
        }
        // The reader stands behind the row: back over its end and over the line breaks within its cells.
        let within = record.as_slice().iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        let line = self.reader.position().line().saturating_sub(1 + within);
        let row = match cells(&record, self.encoding) {
            Ok(cells) => Cells { line, cells },
            Err(reason) => {
                let cells = record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
                return Ok(Some(Err(BadRow { cells: Cells { line, cells }, reason })));
            }
        };
        let (expected, found) = (self.header.names.len(), row.cells.len());
        if expected != found {
            let reason = format!("has {found} cells, the header has {expected}");
            return Ok(Some(Err(BadRow { cells: row, reason })));
        }
        Ok(Some(Ok(row)))
    }
}

/// Text whose lines all end with a line feed alone, the last one too: so that counting them gives the line
/// numbers that an editor shows.
struct Lines<R> {
    inner: R,
    /// A carriage return that may belong to the next byte.
    held: bool,
    last: u8,
}

impl<R: Read> Lines<R> {
    fn new(inner: R) -> Self {
        Self { inner, held: false, last: b'\n' }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if buffer.len() < 2 {
            // Readers of CSV use large buffers; this keeps the arithmetic below simple.
            return Err(std::io::Error::other("a buffer of at least two bytes is needed"));
        }
        loop {
            // One place is kept for a carriage return of the read before.
            let room = buffer.len() / 2;
            let mut raw = vec![0; room];
            let read = self.inner.read(&mut raw)?;
            let mut written = 0;
            let mut put = |byte: u8| {
                buffer[written] = byte;
                written += 1;
                byte
            };
            for byte in &raw[..read] {
                if std::mem::take(&mut self.held) && *byte != b'\n' {
                    self.last = put(b'\r');
                }
                if *byte == b'\r' {
                    self.held = true;
                } else {
                    self.last = put(*byte);
                }
            }
            if read == 0 && (std::mem::take(&mut self.held) || self.last != b'\n') {
                self.last = put(b'\n');
            }
            if written > 0 || read == 0 {
                return Ok(written);
            }
        }
    }
}

/// The bytes as UTF-8 without a mark where that can be done as a stream; what is left to decode per cell.
fn decoded(mut file: File, encoding: Encoding) -> anyhow::Result<(Box<dyn Read + Send>, Encoding)> {
    let mut start = Vec::new();
    file.by_ref().take(3).read_to_end(&mut start)?;
    match start.as_slice() {
        [0xEF, 0xBB, 0xBF] => Ok((Box::new(file), Encoding::Utf8)),
        [0xFF, 0xFE, ..] => utf16(start, file, u16::from_le_bytes),
        [0xFE, 0xFF, ..] => utf16(start, file, u16::from_be_bytes),
        _ if encoding == Encoding::Utf16 => bail!("has no byte order mark, so it is not UTF-16"),
        _ => Ok((Box::new(Cursor::new(start).chain(file)), encoding)),
    }
}

fn utf16(
    mut bytes: Vec<u8>,
    mut file: File,
    unit: fn([u8; 2]) -> u16,
) -> anyhow::Result<(Box<dyn Read + Send>, Encoding)> {
    file.read_to_end(&mut bytes)?;
    let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).context("is not valid UTF-16")?;
    Ok((Box::new(Cursor::new(text.into_bytes())), Encoding::Utf8))
}

fn cells(record: &csv::ByteRecord, encoding: Encoding) -> Result<Vec<String>, String> {
    record
        .iter()
        .map(|cell| match encoding {
            Encoding::Windows1252 => Ok(cell.iter().map(|byte| windows_1252(*byte)).collect()),
            Encoding::Utf8 | Encoding::Utf16 => String::from_utf8(cell.to_vec())
                .map_err(|_| "is not UTF-8; does the mapping need encoding = \"windows-1252\"?".to_owned()),
        })
        .collect()
}

/// The characters at 0x80 to 0x9F; the rest is as in Latin-1. Unused places stay control characters.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Folder;
    use super::*;

    fn rows(bytes: &[u8], encoding: Encoding) -> (Header, Vec<Result<Cells, BadRow>>) {
        let folder = Folder::with("t.csv", bytes);
        let mut table = Table::open(&folder.path("t.csv"), b',', encoding).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = table.next_row().unwrap() {
            rows.push(row);
        }
        (table.header, rows)
    }

    fn line(row: &Result<Cells, BadRow>) -> (u64, Vec<&str>) {
        let cells = row.as_ref().unwrap();
        (cells.line, cells.cells.iter().map(String::as_str).collect())
    }

    #[test]
    fn marks_quotes_and_line_breaks_are_understood() {
        let (header, rows) =
            rows("\u{feff}id,name\r\n1,\"a, \"\"b\"\"\nc\"\r\n2,é\r\n".as_bytes(), Encoding::Utf8);
        assert_eq!(header.find("id"), Some(0), "the mark is no part of the name");
        assert_eq!(line(&rows[0]), (2, vec!["1", "a, \"b\"\nc"]));
        assert_eq!(line(&rows[1]), (4, vec!["2", "é"]));
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        for text in ["a,b\n\n1,2\n\n\n3,4", "a,b\r\n\r\n1,2\r\n\r\n\r\n3,4", "a,b\r\n\n1,2\n\r\n\n3,4\n"] {
            let (_, rows) = rows(text.as_bytes(), Encoding::Utf8);
            let lines: Vec<u64> = rows.iter().map(|row| row.as_ref().unwrap().line).collect();
            assert_eq!(lines, [3, 6], "{text:?}");
        }
        let (_, rows) = rows(b"a,b\n1,\"x\r\ny\"\n2,z\n", Encoding::Utf8);
        assert_eq!(line(&rows[0]), (2, vec!["1", "x\ny"]));
        assert_eq!(line(&rows[1]), (4, vec!["2", "z"]));
    }

    #[test]
    fn a_ragged_row_and_foreign_bytes_are_faults_of_the_row() {
        let (_, rows) = rows(b"a,b\n1\n1,2\n\xe9,2\n", Encoding::Utf8);
        assert_eq!(rows[0].as_ref().unwrap_err().reason, "has 1 cells, the header has 2");
        assert!(rows[1].is_ok());
        assert!(rows[2].as_ref().unwrap_err().reason.contains("windows-1252"));
    }

    #[test]
    fn other_encodings_are_read() {
        let (_, western) = rows(b"a\n\xe9\x80\n", Encoding::Windows1252);
        assert_eq!(line(&western[0]).1, ["é€"]);
        let wide: Vec<u8> = "\u{feff}a\nü\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (header, wide) = rows(&wide, Encoding::Utf8);
        assert_eq!(header.names, ["a"]);
        assert_eq!(line(&wide[0]).1, ["ü"]);
    }

    #[test]
    fn an_empty_file_says_so() {
        let folder = Folder::with("t.csv", b"");
        let error = Table::open(&folder.path("t.csv"), b',', Encoding::Utf8).err().unwrap();
        assert!(error.to_string().contains("not even a header"));
    }
}
