//! Dependencies have one direction, between crates and between the files of each crate.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use syn::visit::{self, Visit};
use syn::{Item, UseTree, Visibility};
use testbed::workspace;

/// The packages on which each package may depend, except in tests.
fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let product = ["cursor", "datasets", "kernels", "packages", "postgres", "record", "strategies", "system", "tasks"];
    let and = |others: &[&'static str]| [&product[..], others].concat();
    BTreeMap::from([
        ("cursor", vec!["system"]),
        ("kernels", vec!["system"]),
        ("packages", vec!["system"]),
        ("record", vec!["system"]),
        ("system", vec![]),
        ("postgres", vec!["cursor", "packages", "system"]),
        ("datasets", vec!["kernels", "postgres", "system"]),
        ("strategies", vec![]),
        ("reports", vec!["record", "system"]),
        ("cluster", vec!["packages", "record", "system"]),
        ("exercises", vec!["strategies"]),
        ("tasks", vec!["cursor", "datasets", "kernels", "postgres", "record", "strategies", "system"]),
        ("harness", and(&["exercises", "reports"])),
        ("testbed", and(&["harness"])),
        ("conformance", vec!["exercises", "strategies", "system"]),
        ("proofs", and(&["conformance", "exercises", "harness", "reports", "testbed"])),
    ])
}

/// Cargo's metadata of the packages of the workspace.
fn packages() -> Vec<Value> {
    let described = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(workspace())
        .output()
        .expect("cargo runs this test");
    let described: Value = serde_json::from_slice(&described.stdout).expect("cargo describes the workspace");
    described["packages"].as_array().expect("there are packages").clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn crates_depend_one_way() {
    let (packages, allowed) = (packages(), allowed());
    let names: BTreeSet<&str> = packages.iter().map(|package| text(&package["name"])).collect();
    assert!(names.iter().eq(allowed.keys()), "{names:?}");
    for package in &packages {
        let name = text(&package["name"]);
        for dependency in package["dependencies"].as_array().expect("a list") {
            let to = text(&dependency["name"]);
            let fine = !dependency["kind"].is_null() || !names.contains(to) || allowed[name].contains(&to);
            assert!(fine, "{name} may not depend on {to}");
        }
    }
}

#[test]
fn no_file_imports_a_file_that_imports_it() {
    let mut circles = Vec::new();
    for (name, files) in crates() {
        let arrows = files.arrows();
        for circle in circles_of(&arrows) {
            let names: Vec<String> = circle.iter().map(|file| files.shown(*file)).collect();
            circles.push(format!("{name}: {}", names.join(", ")));
        }
    }
    assert!(circles.is_empty(), "these files import each other:\n{}", circles.join("\n"));
}

#[test]
fn folders_are_layers() {
    // In each crate a folder may import folders to its right, and never folders to its left.
    let layers = [
        ("reports", vec!["render", "comparison", "view", "analysis"]),
        ("harness", vec!["cli", "peers", "measure", "plan", "machine"]),
    ];
    let crates = crates();
    for (name, order) in layers {
        let files = &crates[name];
        let place = |file: usize| {
            order.iter().position(|folder| files.modules[file].path.first().is_some_and(|first| first == folder))
        };
        for (from, to) in files.arrows() {
            let back = place(from).zip(place(to)).is_some_and(|(from, to)| from > to);
            assert!(!back, "{name}: {} may not import {}", files.shown(from), files.shown(to));
        }
    }
}

#[test]
fn reports_has_five_levels_of_files_at_most() {
    let crates = crates();
    let files = &crates["reports"];
    let arrows = files.arrows();
    let mut levels = vec![1; files.modules.len()];
    // Without circles, one round per file is enough to reach every level.
    for _ in 0..files.modules.len() {
        for (from, to) in &arrows {
            levels[*from] = levels[*from].max(levels[*to] + 1);
        }
    }
    let deepest = levels.iter().enumerate().max_by_key(|(_, level)| **level).map(|(file, _)| file);
    let deepest = deepest.expect("reports has files");
    assert!(levels[deepest] <= 5, "{} stands on {} levels of files", files.shown(deepest), levels[deepest] - 1);
}

/// One file of a crate.
struct Module {
    file: PathBuf,
    /// The module path from the crate's root.
    path: Vec<String>,
    /// The names that the file re-exports, with the absolute path of each.
    exports: BTreeMap<String, Vec<String>>,
    /// The absolute paths that the file imports or names.
    uses: Vec<Vec<String>>,
    /// Whether its own folder's introduction names its members without importing them (`pub use`).
    is_root: bool,
}

/// The files of one crate.
struct Files {
    modules: Vec<Module>,
}

/// The files of each package's library. A package without a library has its program here.
fn crates() -> BTreeMap<String, Files> {
    let mut crates = BTreeMap::new();
    for package in packages() {
        for target in package["targets"].as_array().expect("a list") {
            let kind = text(&target["kind"][0]);
            if kind == "lib" || kind == "bin" {
                let root = PathBuf::from(text(&target["src_path"]));
                let name = if kind == "lib" {
                    text(&package["name"]).to_owned()
                } else {
                    format!("program {}", text(&target["name"]))
                };
                crates.insert(name, Files::of(&root));
            }
        }
    }
    crates
}

impl Files {
    /// Reads the file `root` and every module below it.
    fn of(root: &Path) -> Files {
        let mut files = Files { modules: Vec::new() };
        let folder = root.parent().expect("a file is in a folder");
        files.read(root, folder, Vec::new());
        files
    }

    /// Reads one file, whose modules are in `folder`.
    fn read(&mut self, file: &Path, folder: &Path, path: Vec<String>) {
        let source = std::fs::read_to_string(file).expect("the file can be read");
        let parsed = syn::parse_file(&source).expect("the file is Rust");
        let mut reader = Reader { path: path.clone(), members: Vec::new(), exports: BTreeMap::new(), uses: Vec::new() };
        // The catalogue's macro declares modules by name.
        let listed: Vec<String> = parsed.items.iter().flat_map(members_of_a_macro).collect();
        reader.members = parsed.items.iter().filter_map(member).chain(listed).collect();
        let members = reader.members.clone();
        reader.visit_file(&parsed);
        let Reader { exports, uses, .. } = reader;
        self.modules.push(Module {
            file: file.to_owned(),
            is_root: path.is_empty(),
            path: path.clone(),
            exports,
            uses,
        });
        for name in members {
            let places = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
            let Some(found) = places.iter().find(|place| place.is_file()) else { continue };
            self.read(found, &folder.join(&name), [&path[..], &[name]].concat());
        }
    }

    /// The file that defines the item at `path`. Re-exports are followed.
    fn resolve(&self, path: &[String], depth: usize) -> Option<usize> {
        let longest = self.modules.iter().enumerate().filter(|(_, module)| path.starts_with(&module.path));
        let (file, module) = longest.max_by_key(|(_, module)| module.path.len())?;
        let rest = &path[module.path.len()..];
        match rest.first().and_then(|name| module.exports.get(name)) {
            Some(real) if depth < 8 => self.resolve(&[&real[..], &rest[1..]].concat(), depth + 1),
            _ => Some(file),
        }
    }

    /// Pairs of files. The first of each imports the second.
    fn arrows(&self) -> BTreeSet<(usize, usize)> {
        let mut arrows = BTreeSet::new();
        for (from, module) in self.modules.iter().enumerate() {
            let targets = module.uses.iter().filter_map(|path| self.resolve(path, 0));
            arrows.extend(targets.filter(|to| *to != from && !self.modules[*to].is_root).map(|to| (from, to)));
        }
        arrows
    }

    fn shown(&self, file: usize) -> String {
        let file = &self.modules[file].file;
        file.strip_prefix(workspace()).unwrap_or(file).display().to_string()
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

fn member(item: &Item) -> Option<String> {
    match item {
        Item::Mod(module) if module.content.is_none() && !is_test(&module.attrs) => Some(module.ident.to_string()),
        _ => None,
    }
}

fn members_of_a_macro(item: &Item) -> Vec<String> {
    match item {
        Item::Macro(it)
            if it.mac.path.segments.last().is_some_and(|last| last.ident == "catalogue") && it.ident.is_none() =>
        {
            it.mac
                .tokens
                .to_string()
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Collects the paths of a file.
struct Reader {
    path: Vec<String>,
    members: Vec<String>,
    exports: BTreeMap<String, Vec<String>>,
    uses: Vec<Vec<String>>,
}

impl Reader {
    /// A path of this file from the crate's root. `None` if it leads to another crate.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?.as_str();
        let supers = path.iter().take_while(|part| *part == "super").count();
        match first {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([&self.path[..], &path[1..]].concat()),
            "super" => Some([&self.path[..self.path.len().checked_sub(supers)?], &path[supers..]].concat()),
            member if self.members.iter().any(|known| known == member) => Some([&self.path[..], path].concat()),
            _ => None,
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &[String], exported: bool) {
        let mut leaf = |before: &[String], name: &str, seen: &str| {
            let path: Vec<String> = before.iter().cloned().chain((name != "self").then(|| name.to_owned())).collect();
            let Some(path) = self.absolute(&path) else { return };
            if exported {
                self.exports.insert(seen.to_owned(), path);
            } else {
                self.uses.push(path);
            }
        };
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &[before, &[path.ident.to_string()]].concat(), exported),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, before, exported)),
            UseTree::Name(name) => leaf(before, &name.ident.to_string(), &name.ident.to_string()),
            UseTree::Rename(rename) => leaf(before, &rename.ident.to_string(), &rename.rename.to_string()),
            UseTree::Glob(_) => leaf(before, "self", "*"),
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let exported = !matches!(item.vis, Visibility::Inherited);
        self.tree(&item.tree, &[], exported);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1
            && let Some(path) = self.absolute(&parts)
        {
            self.uses.push(path);
        }
        visit::visit_path(self, path);
    }
}

/// Every group of files that import each other, directly or indirectly.
fn circles_of(arrows: &BTreeSet<(usize, usize)>) -> Vec<Vec<usize>> {
    let mut reach: BTreeSet<(usize, usize)> = arrows.clone();
    let files: BTreeSet<usize> = arrows.iter().flat_map(|(from, to)| [*from, *to]).collect();
    for via in &files {
        let into: Vec<usize> = files.iter().copied().filter(|from| reach.contains(&(*from, *via))).collect();
        let out: Vec<usize> = files.iter().copied().filter(|to| reach.contains(&(*via, *to))).collect();
        reach.extend(into.iter().flat_map(|from| out.iter().map(move |to| (*from, *to))));
    }
    let mut circles: Vec<Vec<usize>> = Vec::new();
    for file in files.iter().filter(|file| reach.contains(&(**file, **file))) {
        let circle: Vec<usize> = files
            .iter()
            .copied()
            .filter(|other| reach.contains(&(*file, *other)) && reach.contains(&(*other, *file)))
            .collect();
        if !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}
