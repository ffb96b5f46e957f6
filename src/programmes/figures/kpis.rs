//! What is measured in each stage, with its target; and the questions that dashboards answer.

use serde::Serialize;

use super::{Economics, Funnel, budget_amount, cents, rate, real};
use crate::programmes::business::Business;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kpi {
    pub id: String,
    pub name: String,
    /// `awareness`, `acquisition`, `activation`, `retention`, `revenue` or `referral`.
    pub stage: String,
    pub target: f64,
    /// `count`, `rate`, `money`, `months` or `days`.
    pub unit: String,
    pub period: String,
    pub measured_by: String,
    pub owner: String,
}

/// A KPI as it is written here: id, name, stage, unit, period, how it is measured, who answers for it.
type Written =
    (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const KPIS: [Written; 18] = [
    (
        "visits",
        "Visits of the segment",
        "awareness",
        "count",
        "month",
        "Web analytics, by UTM source, without own staff",
        "demand-generation",
    ),
    (
        "share_of_search",
        "Visits that come by the brand's name",
        "awareness",
        "rate",
        "month",
        "Search console: branded clicks over all clicks",
        "brand-messaging",
    ),
    (
        "leads",
        "Leads",
        "acquisition",
        "count",
        "month",
        "CRM: contacts created with a source",
        "demand-generation",
    ),
    (
        "mqls",
        "Marketing-qualified leads",
        "acquisition",
        "count",
        "month",
        "CRM: lead score reaches the threshold",
        "demand-generation",
    ),
    (
        "cost_per_mql",
        "Cost per MQL",
        "acquisition",
        "money",
        "month",
        "Spend of all channels over MQLs",
        "growth-analyst",
    ),
    (
        "activation_rate",
        "Customers who reached first value in time",
        "activation",
        "rate",
        "cohort",
        "Product analytics: the activation event by the day of the playbook",
        "customer-success",
    ),
    (
        "time_to_value",
        "Days to first value",
        "activation",
        "days",
        "cohort",
        "Product analytics: median from the start of the contract",
        "customer-success",
    ),
    (
        "logo_retention",
        "Customers kept in a year",
        "retention",
        "rate",
        "year",
        "Billing: customers at the end over those at the start",
        "customer-success",
    ),
    (
        "healthy_customers",
        "Customers with a healthy score",
        "retention",
        "rate",
        "month",
        "Health score from the threshold on",
        "customer-success",
    ),
    (
        "net_revenue_retention",
        "Net revenue retention",
        "retention",
        "rate",
        "year",
        "Billing: revenue of last year's customers, with expansion and churn",
        "customer-success",
    ),
    (
        "new_revenue",
        "New recurring revenue",
        "revenue",
        "money",
        "programme",
        "CRM: won deals, first-year value",
        "pipeline-manager",
    ),
    (
        "opportunities",
        "Opportunities",
        "revenue",
        "count",
        "month",
        "CRM: deals that entered the first stage",
        "pipeline-manager",
    ),
    (
        "win_rate",
        "Opportunities won",
        "revenue",
        "rate",
        "quarter",
        "CRM: won over closed",
        "sales-enablement",
    ),
    (
        "cac",
        "Cost of a new customer",
        "revenue",
        "money",
        "quarter",
        "Programme spend and sales cost over new customers",
        "growth-analyst",
    ),
    (
        "payback",
        "Months until it is earned back",
        "revenue",
        "months",
        "quarter",
        "CAC over monthly margin of a customer",
        "growth-analyst",
    ),
    (
        "ltv_to_cac",
        "Lifetime value over cost",
        "revenue",
        "count",
        "quarter",
        "Unit economics",
        "growth-analyst",
    ),
    (
        "references",
        "Customers who act as references",
        "referral",
        "count",
        "programme",
        "CRM: reference given, with date",
        "customer-success",
    ),
    (
        "referred",
        "Opportunities that came by a customer or partner",
        "referral",
        "count",
        "month",
        "CRM: source of the deal",
        "demand-generation",
    ),
];

pub(super) fn kpis(business: &Business, funnel: &Funnel, economics: &Economics) -> Vec<Kpi> {
    let kpi = |(id, name, stage, unit, period, measured_by, owner): &Written| Kpi {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        stage: (*stage).to_owned(),
        target: target(id, business, funnel, economics),
        unit: (*unit).to_owned(),
        period: (*period).to_owned(),
        measured_by: (*measured_by).to_owned(),
        owner: (*owner).to_owned(),
    };
    KPIS.iter().map(kpi).collect()
}

/// What a KPI is to reach; from the configuration and the funnel where they say it, else what is usual.
fn target(id: &str, business: &Business, funnel: &Funnel, economics: &Economics) -> f64 {
    let goal =
        |metric: &str| business.goals.iter().find(|goal| goal.metric == metric).map(|goal| goal.target);
    let rates = business.rates;
    match id {
        "visits" => (real(funnel.visits) / funnel.selling_months).ceil(),
        "share_of_search" => 0.12,
        "leads" => real(funnel.leads_per_month),
        "mqls" => real(funnel.mqls_per_month),
        "cost_per_mql" => {
            cents(budget_amount(business.monthly_budget_cents) / real(funnel.mqls_per_month).max(1.0))
        }
        "activation_rate" => goal("activation_rate").unwrap_or(0.8),
        "time_to_value" => f64::from((business.onboarding_days * 30).div_ceil(100).max(2)),
        "logo_retention" => rate(1.0 - business.annual_churn),
        "healthy_customers" => 0.75,
        "net_revenue_retention" => rate(business.targets.net_revenue_retention),
        "new_revenue" => cents(funnel.goal_revenue),
        "opportunities" => real(funnel.opportunities_per_month),
        "win_rate" => rate(rates.opportunity_to_won),
        "cac" => cents(business.targets.cac),
        "payback" => business.targets.payback_months,
        "ltv_to_cac" => economics.ltv_to_cac,
        "references" => (real(funnel.customers) * 0.1).ceil(),
        "referred" => (real(funnel.opportunities_per_month) * 0.15).ceil(),
        // A KPI without a line here has no target, which the gate finds.
        _ => 0.0,
    }
}

/// What somebody wants to know, and what tells them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Question {
    pub id: String,
    pub question: String,
    /// `marketing`, `sales`, `customer_success` or `executives`.
    pub stakeholder: String,
    pub kpis: Vec<String>,
    /// The dashboard that answers it.
    pub dashboard: String,
    /// What to do when the answer is bad.
    pub then: String,
}

/// A question as it is written here: id, question, stakeholder, KPIs, dashboard, what to do.
type Asked = (&'static str, &'static str, &'static str, &'static [&'static str], &'static str, &'static str);

const QUESTIONS: [Asked; 14] = [
    (
        "on-plan",
        "Are we on the way to the revenue goal?",
        "executives",
        &["new_revenue", "opportunities"],
        "pipeline-health",
        "Compare opportunities opened with the plan of the month before looking at win rates",
    ),
    (
        "cost",
        "What does a new customer cost, and is it falling?",
        "executives",
        &["cac", "payback"],
        "marketing-performance",
        "Look at marginal CAC by channel, move budget in steps of a fifth",
    ),
    (
        "worth",
        "Is a customer worth what it costs?",
        "executives",
        &["ltv_to_cac", "payback"],
        "marketing-performance",
        "Below 3, hold spend and work on retention first",
    ),
    (
        "stay",
        "Do customers stay and grow?",
        "executives",
        &["net_revenue_retention", "logo_retention"],
        "customer-health",
        "Look at the cohort that fell first",
    ),
    (
        "channels",
        "Which channel brings opportunities, at what cost?",
        "marketing",
        &["cost_per_mql", "opportunities"],
        "marketing-performance",
        "Pause what costs twice the plan for two weeks",
    ),
    (
        "volume",
        "Do we have enough leads for next quarter?",
        "marketing",
        &["leads", "mqls"],
        "marketing-performance",
        "Raise the channel with the lowest marginal cost",
    ),
    (
        "known",
        "Does the segment know us?",
        "marketing",
        &["visits", "share_of_search"],
        "marketing-performance",
        "Shift content to the questions that the segment searches for",
    ),
    (
        "win",
        "Why do we win and lose?",
        "sales",
        &["win_rate"],
        "pipeline-health",
        "Read the last ten win/loss notes before changing the pitch",
    ),
    (
        "coverage",
        "Is the pipeline large enough for the quarter?",
        "sales",
        &["opportunities", "new_revenue"],
        "pipeline-health",
        "Below the needed coverage, move sellers' time to new opportunities",
    ),
    (
        "stuck",
        "Which deals are stuck, and why?",
        "sales",
        &["opportunities", "win_rate"],
        "pipeline-health",
        "Use the playbook for stuck deals in the next review",
    ),
    (
        "risk",
        "Which customers may leave?",
        "customer_success",
        &["healthy_customers", "logo_retention"],
        "customer-health",
        "Start the intervention of the warning signal the same day",
    ),
    (
        "value",
        "Do new customers reach first value in time?",
        "customer_success",
        &["activation_rate", "time_to_value"],
        "customer-health",
        "Sit with the next customer that is late, at its site",
    ),
    (
        "expand",
        "Who is ready for more?",
        "customer_success",
        &["net_revenue_retention", "references"],
        "customer-health",
        "Hand those with a trigger to the account manager within the week",
    ),
    (
        "referrals",
        "Do customers and partners bring us others?",
        "marketing",
        &["referred", "references"],
        "marketing-performance",
        "Ask each customer at its first result",
    ),
];

pub(super) fn questions() -> Vec<Question> {
    let question = |(id, question, stakeholder, kpis, dashboard, then): &Asked| Question {
        id: (*id).to_owned(),
        question: (*question).to_owned(),
        stakeholder: (*stakeholder).to_owned(),
        kpis: kpis.iter().map(|kpi| (*kpi).to_owned()).collect(),
        dashboard: (*dashboard).to_owned(),
        then: (*then).to_owned(),
    };
    QUESTIONS.iter().map(question).collect()
}
