//! The browser in which the report is tested: one that is there, or Debian's Chromium.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::debian::{self, Unpacked};
use crate::{Error, Host, shell};

/// Those that know `--headless` and `--dump-dom`.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// With a font, since there may be none, and text without one has no width.
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// The browser to test in: `CHROMIUM`, else one on `PATH`, else the one our set-up step has fetched.
pub fn find(host: &Host) -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let on_path = host.path.iter().flat_map(|folder| NAMES.map(|name| folder.join(name)));
    let fetched = host.caches.iter().map(|cache| launcher(cache));
    on_path.chain(fetched).find(|program| program.is_file())
}

/// Makes sure that [`find`] finds a browser, installing or unpacking Chromium if need be; says on standard error what it
/// does.
pub fn install(host: &Host) -> Result<PathBuf, Error> {
    if let Some(browser) = find(host) {
        eprintln!("a browser: {}: nothing to install", browser.display());
        return Ok(browser);
    }
    let because = |reason: String| Error::NoBrowser { reason };
    match host.caches.first() {
        _ if !debian::is_here(host) => {
            return Err(because("this is not Debian, so we do not know how to install one".into()));
        }
        _ if host.we_are_root => debian::install(&PACKAGES),
        Some(cache) => unpack(cache),
        None => return Err(because("there is no folder for it, since HOME is not set".into())),
    }
    .map_err(|error| because(error.to_string()))?;
    let browser = find(host)
        .ok_or_else(|| because(format!("something came, and there is still no {} on PATH", NAMES.join(" or "))))?;
    eprintln!("installed a browser: {}", browser.display());
    Ok(browser)
}

/// A script that starts the browser with its libraries and fonts: `<cache>/chromium`.
fn launcher(cache: &Path) -> PathBuf {
    cache.join("chromium")
}

fn unpack(cache: &Path) -> Result<(), Error> {
    let unpacked = debian::unpack(&PACKAGES, &debian::folder(cache, PACKAGES[0]))?;
    let fonts = unpacked.root.join("fonts.conf");
    fs::write(&fonts, fonts_of(&unpacked)).map_err(|error| Error::cannot("write", &fonts, error))?;
    // It gets its name when it has shown that it can start the browser.
    let (untried, launcher) = (cache.join("chromium.partial"), launcher(cache));
    fs::write(&untried, script(&unpacked, &fonts)).map_err(|error| Error::cannot("write", &untried, error))?;
    let executable = Permissions::from_mode(0o755);
    fs::set_permissions(&untried, executable).map_err(|error| Error::cannot("open", &untried, error))?;
    shell::run(&[&untried.display().to_string(), "--version"])?;
    fs::rename(&untried, &launcher).map_err(|error| Error::cannot("create", &launcher, error))
}

fn script(unpacked: &Unpacked, fonts: &Path) -> String {
    let libraries: Vec<String> = unpacked.libraries.iter().map(|folder| folder.display().to_string()).collect();
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    format!(
        "#!/bin/sh\n\
         # Written by `goldilocks setup --browser`: starts the Chromium that is unpacked and not installed.\n\
         export LD_LIBRARY_PATH={}\"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n\
         export FONTCONFIG_FILE={}\n\
         exec {} \"$@\"\n",
        quoted(&libraries.join(":")),
        quoted(&fonts.display().to_string()),
        quoted(&unpacked.root.join("usr/lib/chromium/chromium").display().to_string()),
    )
}

/// Fontconfig's settings: the system's, if there are any, and after them the unpacked fonts.
fn fonts_of(unpacked: &Unpacked) -> String {
    let folder = unpacked.root.join("usr/share/fonts").display().to_string();
    let folder = folder.replace('&', "&amp;").replace('<', "&lt;");
    let families = [("sans-serif", "DejaVu Sans"), ("serif", "DejaVu Serif"), ("monospace", "DejaVu Sans Mono")];
    let aliases = families.map(|(family, font)| {
        format!("<alias><family>{family}</family><prefer><family>{font}</family></prefer></alias>\n")
    });
    format!(
        "<?xml version=\"1.0\"?>\n\
         <!DOCTYPE fontconfig SYSTEM \"fonts.dtd\">\n\
         <fontconfig>\n\
         <include ignore_missing=\"yes\">/etc/fonts/fonts.conf</include>\n\
         <dir>{folder}</dir>\n\
         <cachedir prefix=\"xdg\">fontconfig</cachedir>\n\
         <match target=\"pattern\">{}</match>\n\
         {}</fontconfig>\n",
        // As Debian sets it: without it, letters are moved to whole pixels and texts get other widths.
        "<edit name=\"hintstyle\" mode=\"append\"><const>hintslight</const></edit>",
        aliases.concat()
    )
}
