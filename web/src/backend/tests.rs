use super::*;

fn adapter(parts: &[&str], fallback: bool, timestamp_query: bool) -> Adapter {
    Adapter::new(
        &parts
            .iter()
            .map(|part| part.to_string())
            .collect::<Vec<_>>(),
        fallback,
        timestamp_query,
    )
}

#[test]
fn a_real_gpu_may_run_unless_the_user_chose_the_cpu() {
    let gpu = adapter(&["nvidia", "", "ampere"], false, true);
    assert_eq!(gpu.name, "nvidia ampere");
    assert_eq!(
        decide(BackendChoice::Auto, Ok(gpu.clone())),
        Ok(gpu.clone())
    );
    assert_eq!(
        decide(BackendChoice::WebGpu, Ok(gpu.clone())),
        Ok(gpu.clone())
    );
    assert_eq!(decide(BackendChoice::Cpu, Ok(gpu)), Err(None));
}

#[test]
fn a_software_adapter_runs_only_if_the_user_chose_webgpu() {
    for software in [
        adapter(&["google", "swiftshader"], false, true),
        adapter(&["some", "thing"], true, true),
    ] {
        assert!(software.software);
        let adapter = software.name.clone();
        assert_eq!(
            decide(BackendChoice::Auto, Ok(software.clone())),
            Err(Some(Reason::SoftwareAdapter { adapter }))
        );
        assert_eq!(
            decide(BackendChoice::WebGpu, Ok(software.clone())),
            Ok(software)
        );
    }
}

#[test]
fn without_timestamps_or_an_adapter_the_cpu_runs() {
    let old = adapter(&[], false, false);
    assert_eq!(old.name, "");
    for choice in [BackendChoice::Auto, BackendChoice::WebGpu] {
        let adapter = String::new();
        assert_eq!(
            decide(choice, Ok(old.clone())),
            Err(Some(Reason::NoTimestampQuery { adapter }))
        );
        assert_eq!(
            decide(choice, Err(Reason::NoWebGpu)),
            Err(Some(Reason::NoWebGpu))
        );
    }
}
