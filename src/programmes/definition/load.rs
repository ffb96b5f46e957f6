//! Where the files of a definition come from: the program, or a folder that replaces some of them.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// One shipped file: its path below `config/programme`, its text.
macro_rules! shipped {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../config/programme/", $path)))),*]
    };
}

/// All files that ship, by path below `config/programme`.
pub const SHIPPED: &[(&str, &str)] = shipped![
    "agents.toml",
    "phases/1-strategy.toml",
    "phases/2-pipeline-building.toml",
    "phases/3-execution.toml",
    "phases/4-analysis.toml",
    "programme.toml",
    "templates/analytics/attribution-model.md",
    "templates/analytics/cohort-framework.md",
    "templates/analytics/dashboard-specs.md",
    "templates/analytics/dashboards/customer-health.md",
    "templates/analytics/dashboards/marketing-performance.md",
    "templates/analytics/dashboards/pipeline-health.md",
    "templates/analytics/experiment-framework.md",
    "templates/analytics/experiments.md",
    "templates/analytics/kpi-definitions.md",
    "templates/analytics/performance-analysis.md",
    "templates/analytics/recommendations.md",
    "templates/analytics/reporting-templates.md",
    "templates/analytics/unit-economics.md",
    "templates/customer-success/churn-prevention.md",
    "templates/customer-success/escalation-workflows.md",
    "templates/customer-success/expansion-playbook.md",
    "templates/customer-success/feedback-strategy.md",
    "templates/customer-success/health-scoring.md",
    "templates/customer-success/journey-map.md",
    "templates/customer-success/onboarding-playbook.md",
    "templates/customer-success/qbr-template.md",
    "templates/customer-success/renewal-workflow.md",
    "templates/customer-success/segmentation.md",
    "templates/customer-success/touchpoint-sequences.md",
    "templates/demand-gen/ab-tests.md",
    "templates/demand-gen/ad-creative.md",
    "templates/demand-gen/campaign-configs.md",
    "templates/demand-gen/campaigns.md",
    "templates/demand-gen/content-calendar.md",
    "templates/demand-gen/email-sequences.md",
    "templates/demand-gen/landing-pages.md",
    "templates/demand-gen/lead-scoring.md",
    "templates/demand-gen/monitoring.md",
    "templates/demand-gen/retargeting.md",
    "templates/demand-gen/tracking-plan.md",
    "templates/learnings/agent.md",
    "templates/learnings/cross-functional.md",
    "templates/messaging/brand-voice.md",
    "templates/messaging/messaging-hierarchy.md",
    "templates/messaging/positioning.md",
    "templates/messaging/value-props.md",
    "templates/pipeline/alert-rules.md",
    "templates/pipeline/crm-config.md",
    "templates/pipeline/forecast-methodology.md",
    "templates/pipeline/handoff-criteria.md",
    "templates/pipeline/hygiene-audit.md",
    "templates/pipeline/leadership-reports.md",
    "templates/pipeline/pipeline-review-sample.md",
    "templates/pipeline/review-cadences.md",
    "templates/pipeline/scoring-model.md",
    "templates/pipeline/stage-definitions.md",
    "templates/pipeline/stuck-deal-coaching.md",
    "templates/pipeline/workflows.md",
    "templates/playbook-updates.md",
    "templates/sales-enablement/battle-cards.md",
    "templates/sales-enablement/coaching-framework.md",
    "templates/sales-enablement/demo-scripts.md",
    "templates/sales-enablement/email-templates.md",
    "templates/sales-enablement/new-hire-plan.md",
    "templates/sales-enablement/objection-handling.md",
    "templates/sales-enablement/pitch-deck.md",
    "templates/sales-enablement/roi-calculator.md",
    "templates/sales-enablement/training.md",
    "templates/sales-enablement/training/modules.md",
    "templates/sales-enablement/win-loss-template.md",
    "templates/strategy/budget-allocation.md",
    "templates/strategy/budget-reallocation.md",
    "templates/strategy/competitive-analysis.md",
    "templates/strategy/gtm-strategy.md",
    "templates/strategy/iteration-brief.md",
    "templates/strategy/learnings.md",
    "templates/strategy/personas.md",
];

/// The files of a definition by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub files: BTreeMap<String, String>,
}

impl Source {
    pub fn shipped() -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self { files: SHIPPED.iter().map(owned).collect() }
    }

    /// The shipped files with those of a folder in their place. A folder with `phases` brings all of its phases.
    pub fn with_folder(folder: &Path) -> io::Result<Self> {
        let mut source = Self::shipped();
        let mut found = BTreeMap::new();
        collect(folder, "", &mut found)?;
        if found.keys().any(|path| path.starts_with("phases/")) {
            source.files.retain(|path, _| !path.starts_with("phases/"));
        }
        source.files.extend(found);
        Ok(source)
    }
}

fn collect(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            // The example is no part of the definition.
            if path != "example" {
                collect(&entry.path(), &format!("{path}/"), found)?;
            }
        } else if name.rsplit_once('.').is_some_and(|(_, ending)| ["toml", "md"].contains(&ending)) {
            found.insert(path, std::fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}
