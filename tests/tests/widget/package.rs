//! The package as users get it: packed, installed, and used in the projects of `tests/npm`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Weak},
};

use tempfile::TempDir;
use tests::{
    browser::Visit,
    npm::{self, command, output},
    root, site,
};

use crate::LISTEN;

/// A folder with the package installed. It lies where Node also finds the bundler and the other packages.
pub struct Package(TempDir);

/// A package shared by tests that run at the same time, because packing takes seconds.
type Shared = Mutex<Weak<Package>>;

impl Package {
    /// Packs `dist/widget` and installs the file that this gives.
    pub fn install() -> Arc<Self> {
        static INSTALLED: Shared = Mutex::new(Weak::new());
        Self::install_in(npm::folder, &INSTALLED)
    }

    /// The same beside the bundlers and frameworks of `tests/npm/hosts`.
    pub fn install_among_hosts() -> Arc<Self> {
        static INSTALLED: Shared = Mutex::new(Weak::new());
        Self::install_in(npm::hosts, &INSTALLED)
    }

    fn install_in(folder: fn() -> PathBuf, installed: &Shared) -> Arc<Self> {
        // A failed installation is not stored, so a poisoned lock is harmless.
        let mut installed = (installed.lock()).unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(package) = installed.upgrade() {
            return package;
        }
        let folder = tempfile::tempdir_in(folder()).expect("a temporary folder can be made");
        let file = output(
            command("npm", folder.path())
                .args(["pack", "--silent"])
                .arg(site::file("widget")),
        );
        fs::write(folder.path().join("package.json"), "{}").expect("it takes files");
        output(
            command("npm", folder.path())
                .args(["install", "--offline", "--no-audit", "--no-fund"])
                // Next takes the folder of the first lock file for the whole project's.
                .arg("--no-package-lock")
                .arg(format!("./{}", file.trim())),
        );
        let package = Arc::new(Self(folder));
        *installed = Arc::downgrade(&package);
        package
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A copy of a project of `tests/npm` that finds the package.
    pub fn project(&self, name: &str) -> TempDir {
        let copy = tempfile::tempdir_in(self.path()).expect("a temporary folder can be made");
        let project = root().join("tests/npm").join(name);
        for (name, bytes) in files(&project) {
            let to = copy.path().join(name);
            fs::create_dir_all(to.parent().expect("it lies in the copy")).expect("a folder");
            fs::write(to, bytes).expect("it is copied");
        }
        copy
    }
}

/// The files of a folder and of those in it, by their paths from there. Builds and installations are left out.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let entry = entry.expect("it can be read");
        let name = entry.file_name().into_string().expect("names are text");
        if entry.file_type().expect("it has a type").is_file() {
            files.push((name, fs::read(entry.path()).expect("it can be read")));
        } else if !["node_modules", "dist", ".next"].contains(&name.as_str()) {
            let inner = self::files(&entry.path()).into_iter();
            files.extend(inner.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        }
    }
    files
}

/// Builds a project with Vite for a visit to its page.
pub fn build(project: &Path) -> Visit {
    output(command("vite", project).arg("build"));
    visit(&project.join("dist"))
}

/// A visit to a built page.
pub fn visit(built: &Path) -> Visit {
    let mut visit = Visit::default().instead("listen.js", LISTEN.as_bytes().to_vec());
    for (name, mut bytes) in files(built) {
        if name == "index.html" {
            let index = String::from_utf8(bytes).expect("a page is text");
            let head = index
                .find("<head>")
                .map_or(0, |start| start + "<head>".len());
            let (before, after) = index.split_at(head);
            bytes = format!(r#"{before}<script src="/listen.js"></script>{after}"#).into_bytes();
        }
        visit = visit.instead(&name, bytes);
    }
    visit.open("index.html")
}
