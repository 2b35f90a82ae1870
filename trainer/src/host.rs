//! The name of this machine. File systems that machines share may keep a lock from other machines, so what a dead process left
//! is told by the name too.

/// The name of this machine in its network.
pub fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}
