//! npm packages of an addon: a core package with the loader, and one for each platform, of which npm installs the one that
//! fits. What each file has to be is written into the core package.

use std::collections::BTreeMap;

use anymod_model::Platform;
use anymod_model::platform::Libc;
use serde_json::{Value, json};

use super::loader::LOADER_FILE;

/// What the packages of an addon have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Name of the core package.
    pub name: String,
    /// Version of all of them.
    pub version: String,
    /// What it is, in one line.
    pub summary: Option<String>,
    /// Its licence.
    pub license: Option<String>,
}

/// The files of a platform's package and their sums as `package-lock.json` writes them.
pub type Sums = BTreeMap<String, String>;

impl Package {
    /// Name of a platform's package.
    #[must_use]
    pub fn leaf_name(&self, platform: Platform) -> String {
        format!("{}-{platform}", self.name)
    }

    /// `package.json` of a platform's package.
    #[must_use]
    pub fn leaf(&self, platform: Platform, files: &Sums) -> String {
        let info = platform.info();
        let mut package = self.common(&self.leaf_name(platform));
        package["os"] = json!([info.os.name()]);
        package["cpu"] = json!([info.cpu.name()]);
        // npm tells the two of Linux apart.
        match info.libc {
            Libc::Glibc => package["libc"] = json!(["glibc"]),
            Libc::Musl => package["libc"] = json!(["musl"]),
            Libc::System | Libc::Ucrt => {}
        }
        package["files"] = files.keys().cloned().collect();
        text(&package)
    }

    /// `package.json` of the core package.
    #[must_use]
    pub fn core(&self, platforms: &BTreeMap<Platform, Sums>, types: bool) -> String {
        let mut package = self.common(&self.name);
        let mut entry = json!({ "require": "./index.cjs", "import": "./index.mjs" });
        let mut files = vec!["index.cjs", "index.mjs", LOADER_FILE];
        if types {
            package["types"] = json!("index.d.ts");
            entry = json!({ "types": "./index.d.ts", "require": "./index.cjs", "import": "./index.mjs" });
            files.push("index.d.ts");
        }
        package["main"] = json!("index.cjs");
        package["exports"] = json!({ ".": entry, "./package.json": "./package.json" });
        package["files"] = json!(files);
        // Exactly the version that they were made with: a loader takes no other.
        let pinned = platforms.keys().map(|one| (self.leaf_name(*one), json!(self.version)));
        package["optionalDependencies"] = Value::Object(pinned.collect());
        let sums = platforms.iter().map(|(one, sums)| (self.leaf_name(*one), json!(sums)));
        package["anymod"] = json!({ "integrity": Value::Object(sums.collect()) });
        text(&package)
    }

    fn common(&self, name: &str) -> Value {
        let mut package = json!({ "name": name, "version": self.version });
        for (key, value) in [("description", &self.summary), ("license", &self.license)] {
            if let Some(value) = value {
                package[key] = json!(value);
            }
        }
        package
    }
}

fn text(package: &Value) -> String {
    format!("{package:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_name_each_other_exactly() {
        let package = Package {
            name: "@demo/speed".to_owned(),
            version: "1.2.3".to_owned(),
            summary: None,
            license: Some("MIT".to_owned()),
        };
        let sums: Sums = [("speed.linux-x64-musl.node".to_owned(), "sha512-x".to_owned())].into();
        let platforms = [(Platform::LinuxX64Musl, sums.clone())].into();
        let core: Value = serde_json::from_str(&package.core(&platforms, true)).unwrap();
        assert_eq!(core["optionalDependencies"], json!({ "@demo/speed-linux-x64-musl": "1.2.3" }));
        let recorded = &core["anymod"]["integrity"]["@demo/speed-linux-x64-musl"];
        assert_eq!(*recorded, json!(sums));
        let leaf: Value =
            serde_json::from_str(&package.leaf(Platform::LinuxX64Musl, &sums)).unwrap();
        assert_eq!(
            (&leaf["os"], &leaf["cpu"], &leaf["libc"]),
            (&json!(["linux"]), &json!(["x64"]), &json!(["musl"]))
        );
        let darwin: Value =
            serde_json::from_str(&package.leaf(Platform::DarwinArm64, &sums)).unwrap();
        assert_eq!(darwin.get("libc"), None);
    }
}
