//! The browser in which the report is tested: an installed one, or Debian's Chromium.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::debian::{self, Unpacked};
use crate::{Error, Host, shell};
use system::printing::say;

/// Programs that know `--headless` and `--dump-dom`.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// With a font, because the machine may have none, and text without a font has no width.
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// The browser to test in: `CHROMIUM`, otherwise one on `PATH`, otherwise the one that our set-up step has unpacked.
pub fn find(host: &Host) -> Option<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM").filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let on_path = host.path.iter().flat_map(|folder| NAMES.map(|name| folder.join(name)));
    let fetched = host.caches.iter().map(|cache| launcher(cache));
    on_path.chain(fetched).find(|program| program.is_file())
}

/// Finds a browser, or installs or unpacks Chromium; prints what it does on standard error.
pub fn install(host: &Host) -> Result<PathBuf, Error> {
    if let Some(browser) = find(host) {
        say(format_args!("{}: a browser is there, nothing to install", browser.display()));
        return Ok(browser);
    }
    let because = |reason: String| Error::NoBrowser { reason };
    match host.caches.first() {
        _ if !debian::is_here(host) => {
            return Err(because("this is not Debian".into()));
        }
        _ if host.we_are_root => debian::install(&PACKAGES),
        Some(cache) => unpack(cache),
        None => return Err(because("there is no folder to unpack it into: set HOME".into())),
    }
    .map_err(|error| because(error.to_string()))?;
    let browser = find(host).ok_or_else(|| {
        because(format!("the packages are installed, but there is no {} on PATH", NAMES.join(" or ")))
    })?;
    say(format_args!("installed a browser: {}", browser.display()));
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
    // The launcher gets its name only after it has started the browser.
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
         # Written by `goldilocks setup --browser`: starts the unpacked Chromium.\n\
         export LD_LIBRARY_PATH={}\"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n\
         export FONTCONFIG_FILE={}\n\
         exec {} \"$@\"\n",
        quoted(&libraries.join(":")),
        quoted(&fonts.display().to_string()),
        quoted(&unpacked.root.join("usr/lib/chromium/chromium").display().to_string()),
    )
}

/// Fontconfig's settings: the machine's, if there are any, and then the unpacked fonts.
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
        // Debian's setting. Without it, characters move to whole pixels, which changes the widths of texts.
        "<edit name=\"hintstyle\" mode=\"append\"><const>hintslight</const></edit>",
        aliases.concat()
    )
}
