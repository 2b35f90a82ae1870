//! The package as users get it: packed, installed, and used in the projects of `tests/npm`.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, Weak},
};

use tempfile::TempDir;
use tests::{
    browser::Visit,
    npm::{command, folder, output},
    root, site,
};

use crate::LISTEN;

/// A folder with the package installed. It lies where Node also finds the bundler and the other packages.
pub struct Package(TempDir);

/// Shared by tests that run at the same time, because packing takes seconds.
static INSTALLED: Mutex<Weak<Package>> = Mutex::new(Weak::new());

impl Package {
    /// Packs `dist/widget` and installs the file that this gives.
    pub fn install() -> Arc<Self> {
        // A failed installation is not stored, so a poisoned lock is harmless.
        let mut installed = (INSTALLED.lock()).unwrap_or_else(|poisoned| poisoned.into_inner());
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
        for file in fs::read_dir(&project).expect("the project is a folder") {
            let file = file.expect("it can be read");
            // Folders are builds or installations, not part of the project.
            if file.file_type().expect("it has a type").is_file() {
                fs::copy(file.path(), copy.path().join(file.file_name())).expect("it is copied");
            }
        }
        copy
    }
}

/// Builds a project with Vite for a visit to its page.
pub fn build(project: &Path) -> Visit {
    output(command("vite", project).arg("build"));
    let built = project.join("dist");
    let index = fs::read_to_string(built.join("index.html")).expect("it has a page");
    let index = index.replace("<head>", r#"<head><script src="/listen.js"></script>"#);
    let mut visit = Visit::default()
        .instead("index.html", index.into_bytes())
        .instead("listen.js", LISTEN.as_bytes().to_vec());
    for file in fs::read_dir(built.join("assets")).expect("it has assets") {
        let file = file.expect("they can be read");
        let name = file.file_name().into_string().expect("names are text");
        let bytes = fs::read(file.path()).expect("they can be read");
        visit = visit.instead(&format!("assets/{name}"), bytes);
    }
    visit.open("index.html")
}
