//! What is measured in each stage, with its target; and the questions that dashboards answer.

use serde::Serialize;

use super::{Economics, Funnel, cents, rate, real};
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

pub(super) fn kpis(business: &Business, funnel: &Funnel, economics: &Economics) -> Vec<Kpi> {
    let goal =
        |metric: &str| business.goals.iter().find(|goal| goal.metric == metric).map(|goal| goal.target);
    let rates = business.rates;
    let kpi = |(id, name, stage, target, unit, period, measured_by, owner): (
        &str,
        &str,
        &str,
        f64,
        &str,
        &str,
        &str,
        &str,
    )| Kpi {
        id: id.to_owned(),
        name: name.to_owned(),
        stage: stage.to_owned(),
        target,
        unit: unit.to_owned(),
        period: period.to_owned(),
        measured_by: measured_by.to_owned(),
        owner: owner.to_owned(),
    };
    let visits_per_month = real(funnel.visits) / funnel.selling_months;
    [
        (
            "visits",
            "Visits of the segment",
            "awareness",
            visits_per_month.ceil(),
            "count",
            "month",
            "Web analytics, by UTM source, without own staff",
            "demand-generation",
        ),
        (
            "share_of_search",
            "Visits that come by the brand's name",
            "awareness",
            0.12,
            "rate",
            "month",
            "Search console: branded clicks over all clicks",
            "brand-messaging",
        ),
        (
            "leads",
            "Leads",
            "acquisition",
            real(funnel.leads_per_month),
            "count",
            "month",
            "CRM: contacts created with a source",
            "demand-generation",
        ),
        (
            "mqls",
            "Marketing-qualified leads",
            "acquisition",
            real(funnel.mqls_per_month),
            "count",
            "month",
            "CRM: lead score reaches the threshold",
            "demand-generation",
        ),
        (
            "cost_per_mql",
            "Cost per MQL",
            "acquisition",
            cents(super::budget_amount(business.monthly_budget_cents) / real(funnel.mqls_per_month).max(1.0)),
            "money",
            "month",
            "Spend of all channels over MQLs",
            "growth-analyst",
        ),
        (
            "activation_rate",
            "Customers who reached first value in time",
            "activation",
            goal("activation_rate").unwrap_or(0.8),
            "rate",
            "cohort",
            "Product analytics: the activation event by the day of the playbook",
            "customer-success",
        ),
        (
            "time_to_value",
            "Days to first value",
            "activation",
            f64::from((business.onboarding_days * 30).div_ceil(100).max(2)),
            "days",
            "cohort",
            "Product analytics: median from the start of the contract",
            "customer-success",
        ),
        (
            "logo_retention",
            "Customers kept in a year",
            "retention",
            rate(1.0 - business.annual_churn),
            "rate",
            "year",
            "Billing: customers at the end over those at the start",
            "customer-success",
        ),
        (
            "healthy_customers",
            "Customers with a healthy score",
            "retention",
            0.75,
            "rate",
            "month",
            "Health score from the threshold on",
            "customer-success",
        ),
        (
            "new_revenue",
            "New recurring revenue",
            "revenue",
            cents(funnel.goal_revenue),
            "money",
            "programme",
            "CRM: won deals, first-year value",
            "pipeline-manager",
        ),
        (
            "opportunities",
            "Opportunities",
            "revenue",
            real(funnel.opportunities_per_month),
            "count",
            "month",
            "CRM: deals that entered the first stage",
            "pipeline-manager",
        ),
        (
            "win_rate",
            "Opportunities won",
            "revenue",
            rate(rates.opportunity_to_won),
            "rate",
            "quarter",
            "CRM: won over closed",
            "sales-enablement",
        ),
        (
            "cac",
            "Cost of a new customer",
            "revenue",
            cents(business.targets.cac),
            "money",
            "quarter",
            "Programme spend and sales cost over new customers",
            "growth-analyst",
        ),
        (
            "payback",
            "Months until it is earned back",
            "revenue",
            business.targets.payback_months,
            "months",
            "quarter",
            "CAC over monthly margin of a customer",
            "growth-analyst",
        ),
        (
            "net_revenue_retention",
            "Net revenue retention",
            "retention",
            rate(business.targets.net_revenue_retention),
            "rate",
            "year",
            "Billing: revenue of last year's customers, with expansion and churn",
            "customer-success",
        ),
        (
            "references",
            "Customers who act as references",
            "referral",
            (real(funnel.customers) * 0.1).ceil(),
            "count",
            "programme",
            "CRM: reference given, with date",
            "customer-success",
        ),
        (
            "referred",
            "Opportunities that came by a customer or partner",
            "referral",
            (real(funnel.opportunities_per_month) * 0.15).ceil(),
            "count",
            "month",
            "CRM: source of the deal",
            "demand-generation",
        ),
        (
            "ltv_to_cac",
            "Lifetime value over cost",
            "revenue",
            economics.ltv_to_cac,
            "count",
            "quarter",
            "Unit economics",
            "growth-analyst",
        ),
    ]
    .map(kpi)
    .into()
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

pub(super) fn questions() -> Vec<Question> {
    let question =
        |(id, question, stakeholder, kpis, dashboard, then): (&str, &str, &str, &[&str], &str, &str)| {
            Question {
                id: id.to_owned(),
                question: question.to_owned(),
                stakeholder: stakeholder.to_owned(),
                kpis: kpis.iter().map(|kpi| (*kpi).to_owned()).collect(),
                dashboard: dashboard.to_owned(),
                then: then.to_owned(),
            }
        };
    [
        (
            "on-plan",
            "Are we on the way to the revenue goal?",
            "executives",
            &["new_revenue", "opportunities"] as &[&str],
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
    ]
    .map(question)
    .into()
}
