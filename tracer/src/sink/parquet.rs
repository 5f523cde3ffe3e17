//! A table for databases: the columns of `--format csv`, each of its type. Rows are held by column until
//! their group is full; where each group is stands at the end of the file.

use std::sync::Arc;

use parquet::{
    basic::{
        Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel,
    },
    data_type::{BoolType, ByteArray, ByteArrayType, Int64Type},
    errors::Result,
    file::{
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{ColumnPath, Type, TypePtr},
};
use serde_json::Value;

use super::{
    Sink,
    object::value_to,
    stamp::Stamp,
    table::{Kind, Table},
};
use crate::lifecycle::event::{Event, What};

/// A group is full with so many rows,
const ROWS: usize = 65_536;
/// or with so many bytes of text.
const TEXT: usize = 16 << 20;

const MEMORY: &str = "it is written to memory, in the order and the types of the schema";

/// The sink.
pub(super) struct Parquet {
    table: Table,
    columns: Vec<Column>,
    rows: usize,
    text: usize,
    /// Until its end is written.
    file: Option<SerializedFileWriter<Vec<u8>>>,
}

impl Parquet {
    pub(super) fn new(stamp: Stamp, lifecycles: bool) -> Self {
        let table = Table::new(stamp, lifecycles);
        let file = file(table.columns()).expect(MEMORY);
        Self { columns: columns(&table), table, rows: 0, text: 0, file: Some(file) }
    }

    /// Writes what is held as a group.
    fn close(&mut self, to: &mut Vec<u8>) -> Result<()> {
        let Some(file) = self.file.as_mut().filter(|_| self.rows > 0) else { return Ok(()) };
        let full = std::mem::replace(&mut self.columns, columns(&self.table));
        let mut group = file.next_row_group()?;
        for column in full {
            let mut writer = group.next_column()?.expect("as many as the schema has");
            column.write(self.rows, &mut writer)?;
            writer.close()?;
        }
        group.close()?;
        file.flush()?;
        to.append(file.inner_mut());
        (self.rows, self.text) = (0, 0);
        Ok(())
    }

    fn end(&mut self, to: &mut Vec<u8>) -> Result<()> {
        self.close(to)?;
        if let Some(file) = self.file.take() {
            to.append(&mut file.into_inner()?);
        }
        Ok(())
    }
}

impl Sink for Parquet {
    fn event(&mut self, event: &Event, to: &mut Vec<u8>) {
        let Self { table, columns, rows, text, .. } = self;
        if table.row(event, |place, value| *text += columns[place].add(*rows, value)) {
            *rows += 1;
        }
        if self.rows == ROWS || self.text >= TEXT {
            self.close(to).expect(MEMORY);
        }
        if matches!(event.what, What::Summary(_)) {
            self.end(to).expect(MEMORY);
        }
    }
}

fn columns(table: &Table) -> Vec<Column> {
    table.columns().iter().map(|(_, kind)| Column::new(*kind)).collect()
}

/// The values of a column in one group.
struct Column {
    kind: Kind,
    values: Values,
    /// For each row, or each text of its list, how far down the schema there is something: 0 for null.
    defined: Vec<i16>,
    /// Of lists: 1 for a text that is not the first of its list.
    repeated: Vec<i16>,
    rows: usize,
}

enum Values {
    Flags(Vec<bool>),
    Numbers(Vec<i64>),
    /// One after the other, and where each ends.
    Texts(Vec<u8>, Vec<usize>),
}

impl Column {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Flag => Values::Flags(Vec::new()),
            Kind::Number | Kind::Time => Values::Numbers(Vec::new()),
            Kind::Json | Kind::Text | Kind::Texts => Values::Texts(Vec::new(), Vec::new()),
        };
        Self { kind, values, defined: Vec::new(), repeated: Vec::new(), rows: 0 }
    }

    /// Takes the value of a row, and returns how many bytes of text it has.
    fn add(&mut self, row: usize, value: &Value) -> usize {
        self.pass(row);
        self.rows += 1;
        let held = self.values.text();
        let added = match (&mut self.values, self.kind, value) {
            (Values::Flags(all), ..) => push(all, value.as_bool()),
            (Values::Numbers(all), Kind::Time, _) => push(all, unix(value)),
            // What is larger no kernel says, whose times are signed (`ktime_t`, include/linux/ktime.h,
            // 5.10), but a recording can: null.
            (Values::Numbers(all), ..) => push(all, value.as_i64()),
            (Values::Texts(all, ends), Kind::Texts, Value::Array(texts)) => {
                for text in texts.iter().filter_map(Value::as_str) {
                    all.extend_from_slice(text.as_bytes());
                    ends.push(all.len());
                }
                texts.len()
            }
            (Values::Texts(all, ends), kind, value) => {
                match value {
                    Value::String(text) if kind == Kind::Text => all.extend(text.bytes()),
                    _ => value_to(value, all),
                }
                ends.push(all.len());
                1
            }
        };
        if self.kind != Kind::Texts {
            self.defined.push(added as i16);
        } else if added == 0 {
            self.defined.push(1);
            self.repeated.push(0);
        } else {
            self.defined.resize(self.defined.len() + added, 2);
            self.repeated.push(0);
            self.repeated.resize(self.repeated.len() + added - 1, 1);
        }
        self.values.text() - held
    }

    /// Goes on to a row: those before that have no value yet have none.
    fn pass(&mut self, row: usize) {
        let without = row - self.rows;
        self.rows = row;
        self.defined.resize(self.defined.len() + without, 0);
        if self.kind == Kind::Texts {
            self.repeated.resize(self.repeated.len() + without, 0);
        }
    }

    fn write(mut self, rows: usize, to: &mut SerializedColumnWriter<'_>) -> Result<()> {
        self.pass(rows);
        let defined = Some(&self.defined[..]);
        let repeated = (self.kind == Kind::Texts).then_some(&self.repeated[..]);
        match self.values {
            Values::Flags(all) => to.typed::<BoolType>().write_batch(&all, defined, repeated),
            Values::Numbers(all) => to.typed::<Int64Type>().write_batch(&all, defined, repeated),
            Values::Texts(all, ends) => {
                let (all, mut began) = (ByteArray::from(all), 0);
                let texts = ends
                    .iter()
                    .map(|end| all.slice(began, end - std::mem::replace(&mut began, *end)));
                let texts: Vec<ByteArray> = texts.collect();
                to.typed::<ByteArrayType>().write_batch(&texts, defined, repeated)
            }
        }?;
        Ok(())
    }
}

impl Values {
    fn text(&self) -> usize {
        if let Self::Texts(all, _) = self { all.len() } else { 0 }
    }
}

/// How many values it pushed.
fn push<T>(all: &mut Vec<T>, value: Option<T>) -> usize {
    let added = usize::from(value.is_some());
    all.extend(value);
    added
}

/// A time since 1970, ns.
fn unix(time: &Value) -> Option<i64> {
    let time: jiff::Timestamp = time.as_str()?.parse().ok()?;
    time.as_nanosecond().try_into().ok()
}

fn file(columns: &[(&str, Kind)]) -> Result<SerializedFileWriter<Vec<u8>>> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        // The indexes of pages would be held until the end.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    let mut fields = Vec::new();
    for (name, kind) in columns {
        fields.push(field(name, *kind)?);
        if matches!(kind, Kind::Number | Kind::Time) {
            // Nearly every one is another, and near to the one before.
            let path = ColumnPath::from(vec![(*name).to_owned()]);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    let schema = Type::group_type_builder("events").with_fields(fields).build()?;
    SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties.build()))
}

fn field(name: &str, kind: Kind) -> Result<TypePtr> {
    let (physical, logical) = match kind {
        Kind::Flag => (Physical::BOOLEAN, None),
        Kind::Number => (Physical::INT64, None),
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::NANOS))),
        Kind::Json | Kind::Text | Kind::Texts => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let is_list = kind == Kind::Texts;
    let (name_of_value, repetition) =
        if is_list { ("element", Repetition::REQUIRED) } else { (name, Repetition::OPTIONAL) };
    let value = Type::primitive_type_builder(name_of_value, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build()?;
    if !is_list {
        return Ok(Arc::new(value));
    }
    // The three levels that the format's LogicalTypes.md asks of a list.
    let each = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(value)])
        .build()?;
    let list = Type::group_type_builder(name)
        .with_logical_type(Some(LogicalType::List))
        .with_repetition(Repetition::OPTIONAL)
        .with_fields(vec![Arc::new(each)])
        .build()?;
    Ok(Arc::new(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Program;

    #[test]
    fn a_group_is_bounded_by_its_text_as_by_its_rows() {
        for (argument, rows) in [(TEXT / 4, 4), (1, ROWS)] {
            let argv = Some(vec![b'x'; argument].into());
            let program = Program { exe: None, argv, truncated: false };
            let event = Event { at: 1, who: None, what: What::Exec { program, thread: None } };
            let mut sink = Parquet::new(Stamp::new(0), false);
            let mut file = Vec::new();
            for row in 1..=rows {
                assert!(file.is_empty(), "{row}");
                sink.event(&event, &mut file);
            }
            assert!(file.starts_with(b"PAR1"));
        }
    }
}
