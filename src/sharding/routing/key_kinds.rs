//! The kinds of keys of a database: those of a built-in layout, and those of the profile. Pure.

use std::sync::Arc;

use crate::pg::column_name::ColumnName;
use crate::pg::sql_template;
use crate::sharding::routing::id_layout::IdLayout;
use crate::sharding::routing::key_kind::{KeyKind, ListedKind};
use crate::sharding::routing::server_rule::{KeySql, ServerRule};
use crate::sharding::suggest::nearest;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyKinds(Vec<KeyKind>);

/// A layout that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownLayout {
    Habitat,
    Instagram,
    DjangoTenants,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    #[error("no kind of key \"{name}\"{}", known(.near.as_deref(), .kinds))]
    Unknown {
        name: String,
        near: Option<String>,
        kinds: Vec<String>,
    },
    #[error("add --kind, since keys are of several kinds here: {}", .0.join(", "))]
    Several(Vec<String>),
}

fn known(near: Option<&str>, kinds: &[String]) -> String {
    match near {
        Some(near) => format!("; did you mean \"{near}\"?"),
        None => format!("; the kinds are {}", kinds.join(", ")),
    }
}

impl KnownLayout {
    pub const ALL: [Self; 3] = [Self::Habitat, Self::Instagram, Self::DjangoTenants];

    /// As it is written in a profile.
    pub fn name(self) -> &'static str {
        match self {
            Self::Habitat => "habitat",
            Self::Instagram => "instagram",
            Self::DjangoTenants => "django-tenants",
        }
    }

    /// Which schemas are shards: the flag that says so, and its value.
    pub fn schemas(self) -> (&'static str, String) {
        let listed = include_str!("../../../sql/find/django_schemas.sql");
        match self {
            Self::Habitat => ("schemas", "shard_{number}".to_owned()),
            Self::Instagram => ("schemas", "insta{number}".to_owned()),
            Self::DjangoTenants => ("schemas-from", sql_template::fill(listed, &[])),
        }
    }

    fn kinds(self) -> Vec<KeyKind> {
        let id = |layout| KeyKind::Id {
            name: "id".to_owned(),
            layout,
        };
        match self {
            Self::Habitat => vec![KeyKind::Origin, KeyKind::Account, id(IdLayout::HABITAT)],
            Self::Instagram => vec![id(IdLayout::INSTAGRAM)],
            Self::DjangoTenants => {
                let query = include_str!("../../../sql/find/django_domain.sql");
                let query = KeySql::new(&sql_template::fill(query, &[]));
                let kind = query.map(|query| ListedKind {
                    name: "domain".to_owned(),
                    rule: ServerRule::Lookup(query),
                });
                let kind = kind.map(|kind| KeyKind::Listed(Arc::new(kind)));
                kind.into_iter().collect()
            }
        }
    }
}

impl KeyKinds {
    /// Those of a layout, then the profile's own, which replace any of the same name. Without
    /// either, Habitat's.
    pub fn new(layout: Option<KnownLayout>, own: Vec<KeyKind>) -> Self {
        let layout = match (layout, own.is_empty()) {
            (None, true) => Some(KnownLayout::Habitat),
            (layout, _) => layout,
        };
        let mut kinds = layout.map(KnownLayout::kinds).unwrap_or_default();
        kinds.retain(|kind| own.iter().all(|own| own.name() != kind.name()));
        kinds.extend(own);
        Self(kinds)
    }

    /// The columns that hold keys, for completion.
    pub fn columns(&self) -> Vec<ColumnName> {
        let column = |kind: &KeyKind| match kind {
            KeyKind::Origin => "origins.name".parse().ok(),
            KeyKind::Account => "accounts.name".parse().ok(),
            KeyKind::Column(kind) => Some(kind.column.clone()),
            KeyKind::Id { .. } | KeyKind::Listed(_) => None,
        };
        self.0.iter().filter_map(column).collect()
    }

    /// # Errors
    /// If there is none of this name.
    pub fn named(&self, name: &str) -> Result<&KeyKind, KindError> {
        let found = self.0.iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| {
            let names = self.0.iter().map(KeyKind::name);
            KindError::Unknown {
                name: name.to_owned(),
                near: nearest(name, names).map(str::to_owned),
                kinds: self.names(),
            }
        })
    }

    /// A key of digits only is an id, if there are ids. Any other is an origin, or of the only kind
    /// that it can be.
    ///
    /// # Errors
    /// If it can be of several kinds.
    pub fn guess(&self, text: &str) -> Result<&KeyKind, KindError> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let by_default = |kind: &&KeyKind| match kind {
            KeyKind::Id { .. } => is_number,
            KeyKind::Origin => !is_number,
            _ => false,
        };
        if let Some(kind) = self.0.iter().find(by_default) {
            return Ok(kind);
        }
        let mut others = self.0.iter().filter(|kind| is_number || !kind.is_id());
        match (others.next(), others.next(), &self.0[..]) {
            (Some(only), None, _) | (None, _, [only]) => Ok(only),
            _ => Err(KindError::Several(self.names())),
        }
    }

    /// Whether shards must have numbers for all of them.
    pub fn need_numbers(&self) -> bool {
        self.0.iter().all(KeyKind::needs_numbers)
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl Default for KeyKinds {
    fn default() -> Self {
        Self::new(None, Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_alone_are_an_id_unless_told_otherwise() {
        let habitat = KeyKinds::default();
        assert_eq!(habitat.guess("42").unwrap().name(), "id");
        for name in ["core", "4a", "-1", "1.0", "", "١٢"] {
            assert_eq!(habitat.guess(name), Ok(&KeyKind::Origin), "{name}");
        }
        let instagram = KeyKinds::new(Some(KnownLayout::Instagram), Vec::new());
        assert!(instagram.guess("acme").unwrap().is_id());
        let django = KeyKinds::new(Some(KnownLayout::DjangoTenants), Vec::new());
        assert_eq!(django.guess("42").unwrap().name(), "domain");
    }

    #[test]
    fn own_kinds_replace_habitats_unless_the_layout_is_named() {
        let listed = |name: &str| {
            KeyKind::Listed(Arc::new(ListedKind {
                name: name.to_owned(),
                rule: ServerRule::Lookup(KeySql::new("SELECT $1").unwrap()),
            }))
        };
        let own = vec![listed("tenant")];
        let kinds = KeyKinds::new(None, own.clone());
        assert_eq!(kinds.names(), ["tenant"]);
        assert_eq!(kinds.guess("7").unwrap().name(), "tenant");
        let kinds = KeyKinds::new(Some(KnownLayout::Habitat), own);
        assert_eq!(kinds.names(), ["origin", "account", "id", "tenant"]);
        assert_eq!(kinds.guess("acme"), Ok(&KeyKind::Origin));
        let kinds = KeyKinds::new(None, vec![listed("a"), listed("b")]);
        assert_eq!(
            kinds.guess("x").unwrap_err().to_string(),
            "add --kind, since keys are of several kinds here: a, b"
        );
    }

    #[test]
    fn an_unknown_kind_names_the_nearest() {
        let said = |name| KeyKinds::default().named(name).unwrap_err().to_string();
        assert_eq!(
            said("orgin"),
            "no kind of key \"orgin\"; did you mean \"origin\"?"
        );
        assert_eq!(
            said("tenant"),
            "no kind of key \"tenant\"; the kinds are origin, account, id"
        );
    }
}
