//! The columns are all that the schema of events has, each of the kind that it says.

use std::collections::BTreeMap;

use super::*;

/// The kinds that a field has in one type of event or another.
type Kinds = BTreeMap<String, Vec<Kind>>;

struct Schema(Value);

impl Schema {
    /// What is meant, where it stands elsewhere.
    fn resolved<'a>(&'a self, mut node: &'a Value) -> &'a Value {
        while let Some(reference) = node["$ref"].as_str() {
            node = self.0.pointer(&reference[1..]).expect("it is there");
        }
        node
    }

    /// The parts of which all or one hold.
    fn parts<'a>(&'a self, node: &'a Value) -> impl Iterator<Item = &'a Value> {
        let parts = ["allOf", "oneOf"].map(|parts| node[parts].as_array());
        parts.into_iter().flatten().flatten().map(|part| self.resolved(part))
    }

    fn is_object(&self, node: &Value) -> bool {
        node["properties"].is_object() || self.parts(node).any(|part| self.is_object(part))
    }

    fn fields(&self, within: &str, node: &Value, found: &mut Kinds) {
        for (name, field) in node["properties"].as_object().into_iter().flatten() {
            let field = self.resolved(field);
            if self.is_object(field) {
                self.fields(&format!("{within}{name}."), field, found);
            } else if name == ESCAPED.0 {
                found.entry(name.clone()).or_insert_with(|| vec![Texts]);
            } else {
                let kinds = found.entry(format!("{within}{name}")).or_default();
                self.kinds(name, field, kinds);
            }
        }
        for part in self.parts(node) {
            self.fields(within, part, found);
        }
    }

    fn kinds(&self, name: &str, node: &Value, found: &mut Vec<Kind>) {
        let types = node["type"].as_array().into_iter().flatten().chain([&node["type"]]);
        let mut kinds: Vec<Kind> = types
            .filter_map(|kind| match kind.as_str()? {
                "integer" => Some(Number),
                "boolean" => Some(Flag),
                "string" if name == "time" => Some(Time),
                "string" => Some(Text),
                "array" if self.is_object(self.resolved(&node["items"])) => Some(Json),
                "array" => Some(Texts),
                "null" => None,
                other => panic!("{name}: no column is of the type {other}"),
            })
            .collect();
        kinds.extend(node["enum"].is_array().then_some(Text));
        kinds.extend(node["const"].is_number().then_some(Number));
        for part in self.parts(node) {
            self.kinds(name, part, &mut kinds);
        }
        kinds.retain(|kind| !found.contains(kind));
        found.extend(kinds);
    }

    /// What a table has a column for, in the order of names.
    fn columns(&self, types: &[&str]) -> Vec<(String, Kind)> {
        let mut found = Kinds::new();
        self.fields("", &self.0, &mut found);
        for kind in types {
            self.fields("", &self.0["$defs"][kind], &mut found);
        }
        let kind = |kinds: Vec<Kind>| if let [one] = kinds[..] { one } else { Json };
        found.into_iter().map(|(name, kinds)| (name, kind(kinds))).collect()
    }
}

#[test]
fn the_columns_are_those_of_the_schema_of_events() {
    let text = include_str!("../../../../docs/events.schema.json");
    let mut schema: Value = serde_json::from_str(text).expect("JSON");
    // By type, which is asked for here.
    schema["allOf"] = Value::Null;
    let schema = Schema(schema);
    let mut events = What::NAMES.to_vec();
    events.retain(|name| !["session", "summary"].contains(name));
    for (lifecycles, types) in [(false, &events[..]), (true, &["lifecycle", "lost"])] {
        let table = Table::new(Stamp::new(0), lifecycles);
        let mut columns: Vec<(String, Kind)> =
            table.columns().iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        columns.sort_by(|(one, _), (other, _)| one.cmp(other));
        assert_eq!(columns, schema.columns(types));
    }
}
