//! Advertisements, pages and e-mails, put together from what the configuration says of people and product.

use crate::programmes::business::{Business, Channel, Persona};
use crate::programmes::deliverable::data::{Mail, Wording};
use crate::programmes::draft::words::{amount, small};
use crate::programmes::figures::Figures;

fn wording(id: &str, headline: &str, body: String) -> Wording {
    Wording { id: id.to_owned(), headline: headline.trim_end_matches('.').to_owned(), body }
}

fn first<'t>(texts: &'t [String], or: &'t str) -> &'t str {
    texts.first().map_or(or, String::as_str)
}

/// Two to three variants of an advertisement for a channel: the tagline, the pain, the proof.
pub(super) fn ads(business: &Business, channel: &Channel) -> Vec<Wording> {
    let offer = &business.offer;
    let persona = business.personas.iter().find(|of| channel.personas.contains(&of.slug));
    let pain = persona.map_or(offer.need.as_str(), |of| first(&of.pains, &offer.need));
    let call = persona.map_or("See it in your own company", |of| of.offer.as_str());
    let mut made = vec![
        wording("a-tagline", &offer.tagline, format!("{} {}.", offer.value_proposition, call)),
        wording("b-pain", pain, format!("{} {}. {call}.", business.product, offer.key_benefit)),
    ];
    if let Some(prop) = business.value_props.first() {
        let proof = first(&prop.proofs, &prop.promise);
        made.push(wording("c-proof", proof, format!("{}. {call}.", prop.promise)));
    }
    made
}

/// Two variants of the top of a landing page for a persona.
pub(super) fn page(business: &Business, figures: &Figures, persona: &Persona) -> Vec<Wording> {
    let offer = &business.offer;
    let loss = amount(figures.roi.yearly_loss);
    vec![
        wording("a-tagline", &offer.tagline, offer.value_proposition.clone()),
        wording(
            "b-loss",
            &format!("What does it cost you that {}?", small(first(&persona.pains, &offer.need))),
            format!(
                "A company like yours loses {loss} {} a year. {} {}.",
                business.currency, business.product, offer.key_benefit
            ),
        ),
    ]
}

fn mail(day: u32, subject: &str, lines: &[String]) -> Mail {
    Mail { day, subject: subject.trim_end_matches('.').to_owned(), body: lines.join("\n\n") }
}

/// Nurture for a persona: problem, cost, proof, doubt, offer.
pub(super) fn nurture(business: &Business, figures: &Figures, persona: &Persona) -> Vec<Mail> {
    let offer = &business.offer;
    let prop = &business.value_props[persona.pains.len() % business.value_props.len()];
    let driver = &figures.roi.lines[0];
    let objection = &persona.objections[0];
    let hello = "Hello {first name},".to_string();
    let name = &business.product;
    vec![
        mail(
            0,
            first(&persona.pains, &offer.need),
            &[
                hello.clone(),
                format!(
                    "{}. Most people in your job have said this to us in the first five minutes.",
                    persona.pains[0].trim_end_matches('.')
                ),
                format!(
                    "We wrote down what those do who got rid of it: three pages, no form. It begins with one question: {}",
                    question(business)
                ),
                format!("The team of {name}"),
            ],
        ),
        mail(
            4,
            &format!("What {} cost", small(&driver.name)),
            &[
                hello.clone(),
                format!(
                    "Take {} {} a month at {} {} each: {} {} a year. Enter your own figures, it takes two minutes, and you can pass the page on.",
                    amount(driver.per_month),
                    driver.unit,
                    amount(driver.value),
                    business.currency,
                    amount(driver.monthly_loss * 12.0),
                    business.currency
                ),
                "→ Open the calculator".to_owned(),
            ],
        ),
        mail(
            9,
            first(&prop.proofs, &prop.promise),
            &[
                hello.clone(),
                format!("{}. {}", prop.promise.trim_end_matches('.'), prop.proofs.join(". ")),
                format!("How they did it: {}.", offer.activation),
            ],
        ),
        mail(
            15,
            &format!("“{}”", objection.says.trim_end_matches('.')),
            &[
                hello.clone(),
                format!("We hear this more than anything else: “{}”.", objection.says.trim_end_matches('.')),
                objection.answer.clone(),
            ],
        ),
        mail(
            22,
            &persona.offer,
            &[
                hello,
                format!("You have read how it works. The next step is small: {}.", small(&persona.offer)),
                "Answer this mail with a day that suits you; whoever answers has read what you looked at."
                    .to_owned(),
            ],
        ),
    ]
}

/// Outbound for a persona: trigger, figure, question, farewell.
pub(super) fn outbound(business: &Business, figures: &Figures, persona: &Persona) -> Vec<Mail> {
    let offer = &business.offer;
    let hello = "Hello {first name},".to_string();
    let watches = small(&persona.watches);
    let trigger = first(&persona.triggers, &offer.need);
    let prop = &business.value_props[0];
    vec![
        mail(
            1,
            &format!("{{company}}: {}", small(trigger)),
            &[
                hello.clone(),
                format!("{{one sentence on what you saw: {}}}.", small(trigger)),
                format!(
                    "{} {}. {}.",
                    business.product,
                    offer.key_benefit,
                    first(&prop.proofs, &prop.promise)
                ),
                format!("Is {watches} something you look at each week?"),
            ],
        ),
        mail(
            4,
            &format!("{} {} a year", amount(figures.roi.yearly_loss), business.currency),
            &[
                hello.clone(),
                format!(
                    "This is what a company of your size loses, added up over {} lines: {}.",
                    figures.roi.lines.len(),
                    figures.roi.lines.iter().map(|line| small(&line.name)).collect::<Vec<_>>().join(", ")
                ),
                "I can send you the sheet with your own figures. Worth two minutes?".to_owned(),
            ],
        ),
        mail(
            9,
            &format!("A question about {watches}"),
            &[
                hello.clone(),
                format!(
                    "{} Others in your job asked us the same thing first: “{}”. The short answer: {}",
                    question(business),
                    persona.objections[0].says,
                    persona.objections[0].answer
                ),
            ],
        ),
        mail(
            16,
            "Shall I stop?",
            &[
                hello,
                format!(
                    "No answer is an answer. If {} comes up again, this is where we begin: {}.",
                    small(first(&persona.pains, &offer.need)),
                    small(&persona.offer)
                ),
                "I will not write again unless you do.".to_owned(),
            ],
        ),
    ]
}

/// The question that shows the difference to what is used today.
fn question(business: &Business) -> String {
    let trap = business.competitors.last().map(|of| of.trap.clone());
    format!(
        "{}.",
        trap.unwrap_or_else(|| format!("How do you do without {}", business.offer.category))
            .trim_end_matches('.')
    )
}
