"""The words of a report in English and Dutch. They hold no digits: numbers come as `{...}` from the
results.
"""

from collections.abc import Iterator

from trial.languages import LANGUAGES, in_language

# Templates that count something: the place of the number. Where it is 1 they are said as `key.one`.
COUNTING = {
    "adherent": "n",
    "change_table": "points",
    "flow_title": "analysed",
    "flow_title.clusters": "analysed",
    "flow_title_plain": "randomised",
    "intercurrent.too_few_contacts": "n",
    "flow_title_plain.clusters": "randomised",
}

WORDS: dict[str, tuple[str, str]] = {
    # the front
    "report": ("Statistical report", "Statistisch verslag"),
    "simulated": ("Simulated people.", "Gesimuleerde mensen."),
    "simulated_published": (
        "Simulated people. Not the published trial.",
        "Gesimuleerde mensen. Niet het gepubliceerde onderzoek.",
    ),
    "simulated_long": (
        "Nobody in this report exists. A computer made these people to rehearse the study; the "
        "numbers say "
        "nothing about whether the treatment works.",
        "Niemand in dit verslag bestaat. Een computer maakte deze mensen om het onderzoek te "
        "oefenen; de getallen"
        " zeggen niets over de vraag of de behandeling werkt.",
    ),
    "pooled": (
        "All arms are taken together. The report by arm follows when the study is locked.",
        "Alle groepen zijn samengenomen. Het verslag per groep volgt als het onderzoek is "
        "vergrendeld.",
    ),
    "clustered": (
        "Clusters ({cluster}) were randomised, not people. Counts, means and shares stand here; "
        "intervals, differences, effects and p values do not, since the models of this report "
        "have no clusters yet.",
        "Clusters ({cluster}) zijn geloot, niet mensen. Aantallen, gemiddelden en aandelen staan "
        "hier; intervallen, verschillen, effecten en p-waarden niet, omdat de modellen van dit "
        "verslag nog geen clusters kennen.",
    ),
    # Keys with `.clusters` take the place of the same key where clusters were randomised.
    "randomised_people.clusters": ("People in the trial", "Mensen in het onderzoek"),
    "study": ("Study", "Onderzoek"),
    "source": ("Source of the data", "Bron van de gegevens"),
    "columns_aside": ("Columns that the plan does not name", "Kolommen die het plan niet noemt"),
    "empty_rows": ("Empty rows left aside", "Lege rijen overgeslagen"),
    "randomised_people": ("People randomised", "Mensen geloot"),
    "protocol": ("Protocol version", "Protocolversie"),
    "no_protocol": (
        "none: made from a data file and a plan",
        "geen: gemaakt uit een gegevensbestand en een plan",
    ),
    "locked": ("Design and analysis plan locked", "Opzet en analyseplan vastgezet"),
    "registration": ("Registration", "Registratie"),
    "not_registered": ("Not registered.", "Niet geregistreerd."),
    "when": ("{at}: {order}", "{at}: {order}"),
    "before": ("before the first allocation", "vóór de eerste toewijzing"),
    "same_day": ("on the day of the first allocation", "op de dag van de eerste toewijzing"),
    "after": ("after the first allocation", "na de eerste toewijzing"),
    "partial": ("Time points of some arms only", "Meetmomenten van enkele groepen"),
    "partial_none": (
        "none: every arm has every time point",
        "geen: elke groep heeft elk meetmoment",
    ),
    "partial_in": ("{timepoint}: only in {arms}", "{timepoint}: alleen bij {arms}"),
    "partial_pooled": ("{timepoint}: not in every arm", "{timepoint}: niet in elke groep"),
    "partial_seen": (
        ". Whoever sees that it is due knows the arm; assessors are not blind to it there.",
        ". Wie ziet dat het aan de beurt is, kent de groep; daar meet niemand geblindeerd.",
    ),
    "snapshot": ("Hash of the data", "Hash van de gegevens"),
    "code": ("Version of the software", "Versie van de software"),
    "seal": ("Newest audit seal", "Nieuwste zegel van het logboek"),
    "made": ("Made", "Gemaakt"),
    "page": ("page", "pagina"),
    "data_foot": ("data", "gegevens"),
    "estimand": ("Estimand", "Estimand"),
    "table": ("Table {n}", "Tabel {n}"),
    "figure": ("Figure {n}", "Figuur {n}"),
    "not_recorded": ("not recorded in this data set", "niet vastgelegd in deze gegevens"),
    "nothing": (
        "{what}: not recorded in this data set.",
        "{what}: niet vastgelegd in deze gegevens.",
    ),
    "figure_numbers": (
        "The numbers of this figure stand in {table}.",
        "De getallen van deze figuur staan in {table}.",
    ),
    "figure_numbers_two": (
        "The numbers of this figure stand in {table}, those at risk in {risk}.",
        "De getallen van deze figuur staan in {table}, het aantal nog gevolgde mensen in {risk}.",
    ),
    "all": ("All arms together", "Alle groepen samen"),
    "confidence_interval": ("{level} % CI", "{level}%-BI"),
    "range": ("{lower} to {upper}", "{lower} tot {upper}"),
    "day_at": ("day {n}", "dag {n}"),
    "month_at": ("month {n}", "maand {n}"),
    "not_reached": ("not reached", "niet bereikt"),
    "not_estimable": ("not estimable", "niet te schatten"),
    "not_estimable.no_baseline_score": (
        "no baseline score of this questionnaire.",
        "geen score van deze vragenlijst bij de voormeting.",
    ),
    "not_estimable.empty_arm": (
        "nobody is in one of the two arms.",
        "in een van beide groepen zit niemand.",
    ),
    "not_estimable.one_arm": (
        "asked in one of the two arms only.",
        "maar in een van beide groepen gevraagd.",
    ),
    "not_estimable.no_score_yet": (
        "nobody in one of the arms has a score.",
        "niemand in een van de groepen heeft een score.",
    ),
    "not_estimable.too_few": (
        "too few people with all values, or arm and covariates cannot be told apart.",
        "te weinig mensen met alle waarden, of groep en covariaten zijn niet te onderscheiden.",
    ),
    "not_estimable.not_estimable": (
        "the model does not take these values; results.json says why, under this difference.",
        "het model kan niet met deze waarden rekenen; results.json zegt bij dit verschil waarom.",
    ),
    "not_estimable.does_not_vary": (
        "everybody has the same score, or the score that the model predicts: nothing is left to "
        "test by.",
        "iedereen heeft dezelfde score, of de score die het model voorspelt: er blijft niets over "
        "om mee te toetsen.",
    ),
    "not_adjusted.baseline": (
        "not adjusted for the score at baseline, which does not vary.",
        "niet gecorrigeerd voor de score bij de voormeting: die varieert niet.",
    ),
    "not_adjusted": (
        "not adjusted for {what}: it does not vary, or follows from the rest of the model.",
        "niet gecorrigeerd voor {what}: dat varieert niet, of volgt uit de rest van het model.",
    ),
    "nested_baseline": (
        "Score at baseline: the questions of the {instrument} as answered inside {longer}.",
        "Score bij de voormeting: de vragen van de {instrument} zoals beantwoord binnen {longer}.",
    ),
    "mean": ("Mean", "Gemiddelde"),
    "sd": ("SD", "SD"),
    "n": ("n", "n"),
    "p": ("p", "p"),
    "p_holm": ("p (Holm)", "p (Holm)"),
    "arm": ("Arm", "Groep"),
    "timepoint": ("Time point", "Meetmoment"),
    "months": ("Months since randomisation", "Maanden sinds loting"),
    "days": ("Days since randomisation", "Dagen sinds loting"),
    "days_access": ("Days since the programme was given", "Dagen sinds het programma werd gegeven"),
    "months_access": (
        "Months since the programme was given",
        "Maanden sinds het programma werd gegeven",
    ),
    "day": ("days", "dagen"),
    "day.one": ("day", "dag"),
    "month": ("months", "maanden"),
    "month.one": ("month", "maand"),
    "score": ("{title}, mean score", "{title}, gemiddelde score"),
    "bands": (
        "Bands are {level} % confidence intervals.",
        "Banden zijn {level}%-betrouwbaarheidsintervallen.",
    ),
    # the flow
    "flow": ("Participant flow", "Deelnemersstroom"),
    "flow_title": (
        "{analysed} of {randomised} randomised people are in the analysis of {outcome}",
        "{analysed} van de {randomised} gelote mensen zitten in de analyse van {outcome}",
    ),
    "flow_title.one": (
        "{analysed} of {randomised} randomised people is in the analysis of {outcome}",
        "{analysed} van de {randomised} gelote mensen zit in de analyse van {outcome}",
    ),
    "flow_title_plain": ("{randomised} people were randomised", "{randomised} mensen zijn geloot"),
    "flow_title_plain.one": ("{randomised} person was randomised", "{randomised} mens is geloot"),
    "flow_title.clusters": (
        "{analysed} of {randomised} people in the trial have every value for {outcome}",
        "{analysed} van de {randomised} mensen in het onderzoek hebben elke waarde voor {outcome}",
    ),
    "flow_title.clusters.one": (
        "{analysed} of {randomised} people in the trial has every value for {outcome}",
        "{analysed} van de {randomised} mensen in het onderzoek heeft elke waarde voor {outcome}",
    ),
    "flow_title_plain.clusters": (
        "{randomised} people are in the trial",
        "{randomised} mensen zijn in het onderzoek",
    ),
    "flow_title_plain.clusters.one": (
        "{randomised} person is in the trial",
        "{randomised} mens is in het onderzoek",
    ),
    "flow_alt.clusters": (
        "Flow diagram from enrolment to the scores; the table of the same name holds every count.",
        "Stroomdiagram van aanmelding tot scores; de tabel met dezelfde naam bevat elk aantal.",
    ),
    "flow_alt": (
        "Flow diagram from enrolment to analysis; the table of the same name holds every count.",
        "Stroomdiagram van aanmelding tot analyse; de tabel met dezelfde naam bevat elk aantal.",
    ),
    "flow_table": ("Counts of the flow diagram", "Aantallen van het stroomdiagram"),
    "flow_standard": ("Flow diagram as in {standard}.", "Stroomdiagram volgens {standard}."),
    "flow_standard.clusters": (
        "People are counted here, not clusters; both are asked for by {standard}.",
        "Hier zijn mensen geteld, geen clusters; {standard} vraagt om beide.",
    ),
    "analysis.clusters": ("Scores", "Scores"),
    "randomised.clusters": ("People in the trial", "Mensen in het onderzoek"),
    "allocated.clusters": ("In the arm", "In de groep"),
    "left_out.clusters": (
        "With a score, without every other value",
        "Met een score, zonder elke andere waarde",
    ),
    "analysed.clusters": ("With every value", "Met elke waarde"),
    "enrolment": ("Enrolment", "Aanmelding"),
    "allocation": ("Allocation", "Toewijzing"),
    "follow_up": ("Follow-up", "Vervolg"),
    "analysis": ("Analysis", "Analyse"),
    "assessed": ("Assessed for eligibility", "Beoordeeld op deelname"),
    "excluded": ("Excluded", "Niet toegelaten"),
    "randomised": ("Randomised", "Geloot"),
    "allocated": ("Allocated", "Toegewezen"),
    "received": ("Began what was allocated", "Begon met het toegewezene"),
    "not_received": ("Did not begin", "Begon niet"),
    "received_unknown": (
        "Who began what was allocated to them: not recorded in this data set.",
        "Wie begon met wat was toegewezen: niet vastgelegd in deze gegevens.",
    ),
    "lost": ("Lost", "Uitgevallen"),
    "lost_at": ("Lost: {outcome}", "Uitgevallen: {outcome}"),
    "pending": ("Not yet due", "Nog niet aan de beurt"),
    "discontinued": (
        "Said they stopped with the programme",
        "Liet weten te stoppen met het programma",
    ),
    "programme_later": ("The programme opened later", "Het programma ging later open"),
    "discontinued_unknown": (
        "Who stopped with the treatment: not recorded in this data set.",
        "Wie stopte met de behandeling: niet vastgelegd in deze gegevens.",
    ),
    "assessed_unknown": (
        "How many people were assessed for eligibility, and why people were excluded: not recorded "
        "in this data set.",
        "Hoeveel mensen zijn beoordeeld op deelname, en waarom mensen niet zijn toegelaten: niet "
        "vastgelegd in "
        "deze gegevens.",
    ),
    "left_out": ("Not in the analysis", "Niet in de analyse"),
    "left_out_at": ("Not in the analysis: {outcome}", "Niet in de analyse: {outcome}"),
    "analysed": ("Analysed", "Geanalyseerd"),
    "analysed_at": ("Analysed: {outcome}", "Geanalyseerd: {outcome}"),
    "outcome_at": ("{instrument}, {timepoint}", "{instrument}, {timepoint}"),
    "box": ("Box", "Vak"),
    "reason": ("Reason", "Reden"),
    "people": ("People", "Mensen"),
    "excluded.declined": ("did not agree to take part", "wilde niet meedoen"),
    "reason.missed": ("not answered", "niet ingevuld"),
    "reason.unknown": (
        "reason not recorded in this data set",
        "reden niet vastgelegd in deze gegevens",
    ),
    "reason.declined": ("declined to answer", "wilde niet invullen"),
    "reason.withdrawn": ("withdrew", "trok zich terug"),
    "reason.not_scorable": ("too few answers for a score", "te weinig antwoorden voor een score"),
    "reason.not_planned": ("not planned", "niet gepland"),
    "reason.no_baseline": ("no score at baseline", "geen score bij de voormeting"),
    "reason.no_covariate": ("a covariate is missing", "een covariaat ontbreekt"),
    "reason.no_reason": ("reason not recorded", "reden niet vastgelegd"),
    # baseline
    "baseline": ("Baseline", "Voormeting"),
    "baseline_table": ("Who took part, by arm", "Wie deden mee, per groep"),
    "baseline_table_pooled": ("Who took part", "Wie deden mee"),
    "characteristic": ("Characteristic", "Kenmerk"),
    "mean_or_n": ("Mean or n", "Gem. of n"),
    "sd_or_percent": ("SD or %", "SD of %"),
    "smd": ("Std. difference", "Gestand. verschil"),
    "smd_of": ("{first} − {second}", "{first} − {second}"),
    "missing": ("missing", "ontbreekt"),
    "nobody_note": (
        "No row, since nobody has it: {what}.",
        "Geen regel, want niemand heeft dit: {what}.",
    ),
    "baseline_note": (
        "No significance tests: at baseline any difference is due to chance. For a characteristic "
        "with categories"
        " the standardised difference has no direction.",
        "Geen toetsen: bij de voormeting berust elk verschil op toeval. Bij een kenmerk met "
        "categorieën heeft het"
        " gestandaardiseerde verschil geen richting.",
    ),
    # outcomes
    "outcomes": ("Scores over time", "Scores over de tijd"),
    "means_title": ("{instrument} from {start} to {end}: ", "{instrument} van {start} tot {end}: "),
    "means_arm": ("{from_} to {to} in {arm}", "{from_} naar {to} bij {arm}"),
    "means_pooled": ("{from_} to {to}", "{from_} naar {to}"),
    "means_so_far": (
        "{instrument}, so far at {start} alone: ",
        "{instrument}, tot nu toe alleen bij {start}: ",
    ),
    "means_so_far_arm": ("{from_} in {arm}", "{from_} bij {arm}"),
    "means_so_far_pooled": ("{from_}", "{from_}"),
    "means_alt": (
        "Mean scores over time with intervals, one line for each arm.",
        "Gemiddelde scores over de tijd met intervallen, een lijn per groep.",
    ),
    "means_table": (
        "{instrument}: means by time point",
        "{instrument}: gemiddelden per meetmoment",
    ),
    "means_note": (
        "Everybody with a score at the time point; n under the time points of the figure counts "
        "scores.",
        "Iedereen met een score op het meetmoment; n onder de meetmomenten van de figuur telt "
        "scores.",
    ),
    "lines": (
        "Lines in the figure are {level} % confidence intervals.",
        "Lijnen in de figuur zijn {level}%-betrouwbaarheidsintervallen.",
    ),
    "higher_worse": ("Higher scores are worse.", "Hogere scores zijn slechter."),
    "higher_better": ("Higher scores are better.", "Hogere scores zijn beter."),
    "differences": ("Differences between arms", "Verschillen tussen groepen"),
    "difference": ("Difference", "Verschil"),
    "effect": ("Effect (g)", "Effect (g)"),
    "contrast": ("Contrast", "Vergelijking"),
    "minus": ("{first} minus {second}", "{first} min {second}"),
    "versus": ("{first} v. {second}", "{first} vs. {second}"),
    "first_minus_second": ("first arm minus second", "eerste groep min tweede"),
    # by what is left in the model
    "differences_table_baseline": (
        "{instrument}: baseline-adjusted difference, {contrast}",
        "{instrument}: verschil gecorrigeerd voor voormeting, {contrast}",
    ),
    "differences_table_covariates": (
        "{instrument}: adjusted difference, {contrast}",
        "{instrument}: gecorrigeerd verschil, {contrast}",
    ),
    "differences_table_raw": (
        "{instrument}: difference, {contrast}",
        "{instrument}: verschil, {contrast}",
    ),
    # what the planned tests decide; `unadjusted` where the plan singles out nothing
    "title_holm_none": (
        "{instrument}: after Holm's correction no primary difference is clear of zero",
        "{instrument}: na de correctie van Holm is geen primair verschil van nul te onderscheiden",
    ),
    "title_holm_all": (
        "{instrument}: after Holm's correction every primary difference is clear of zero",
        "{instrument}: na de correctie van Holm is elk primair verschil van nul te onderscheiden",
    ),
    "title_holm_one_none": (
        "{instrument}: after Holm's correction the primary difference is not clear of zero",
        "{instrument}: na de correctie van Holm is het primaire verschil niet van nul te "
        "onderscheiden",
    ),
    "title_holm_one_all": (
        "{instrument}: after Holm's correction the primary difference is clear of zero",
        "{instrument}: na de correctie van Holm is het primaire verschil van nul te onderscheiden",
    ),
    "title_holm_some": (
        "{instrument}: after Holm's correction the primary difference is clear of zero at {where}",
        "{instrument}: na de correctie van Holm is het primaire verschil van nul te onderscheiden "
        "bij {where}",
    ),
    "title_primary_none": (
        "{instrument}: every interval for a primary difference includes zero",
        "{instrument}: elk interval voor een primair verschil bevat nul",
    ),
    "title_primary_all": (
        "{instrument}: no interval for a primary difference includes zero",
        "{instrument}: geen enkel interval voor een primair verschil bevat nul",
    ),
    "title_primary_one_none": (
        "{instrument}: the interval for the primary difference includes zero",
        "{instrument}: het interval voor het primaire verschil bevat nul",
    ),
    "title_primary_one_all": (
        "{instrument}: the interval for the primary difference excludes zero",
        "{instrument}: het interval voor het primaire verschil bevat geen nul",
    ),
    "title_primary_some": (
        "{instrument}: the interval for the primary difference excludes zero at {where}",
        "{instrument}: het interval voor het primaire verschil bevat geen nul bij {where}",
    ),
    "title_unadjusted_none": (
        "{instrument}: every unadjusted interval for the difference includes zero",
        "{instrument}: elk ongecorrigeerd interval voor het verschil bevat nul",
    ),
    "title_unadjusted_all": (
        "{instrument}: no unadjusted interval for the difference includes zero",
        "{instrument}: geen enkel ongecorrigeerd interval voor het verschil bevat nul",
    ),
    "title_unadjusted_one_none": (
        "{instrument}: the unadjusted interval for the difference includes zero",
        "{instrument}: het ongecorrigeerde interval voor het verschil bevat nul",
    ),
    "title_unadjusted_one_all": (
        "{instrument}: the unadjusted interval for the difference excludes zero",
        "{instrument}: het ongecorrigeerde interval voor het verschil bevat geen nul",
    ),
    "title_unadjusted_some": (
        "{instrument}: the unadjusted interval for the difference excludes zero at {where}",
        "{instrument}: het ongecorrigeerde interval voor het verschil bevat geen nul bij {where}",
    ),
    # where another could not be estimated
    "title_holm_none_of": (
        "{instrument}: after Holm's correction the primary difference is not clear of zero at "
        "{where}",
        "{instrument}: na de correctie van Holm is het primaire verschil niet van nul te "
        "onderscheiden bij {where}",
    ),
    "title_primary_none_of": (
        "{instrument}: the interval for the primary difference includes zero at {where}",
        "{instrument}: het interval voor het primaire verschil bevat nul bij {where}",
    ),
    "title_unadjusted_none_of": (
        "{instrument}: the unadjusted interval for the difference includes zero at {where}",
        "{instrument}: het ongecorrigeerde interval voor het verschil bevat nul bij {where}",
    ),
    "title_lacking": (
        "; at {where} it could not be estimated",
        "; bij {where} was het niet te schatten",
    ),
    "title_secondary": (
        "{instrument}, not a primary outcome: differences with unadjusted intervals",
        "{instrument}, geen primaire uitkomst: verschillen met ongecorrigeerde intervallen",
    ),
    "title_not_yet": (
        "{instrument}: no primary difference can be estimated; the others have unadjusted "
        "intervals",
        "{instrument}: geen primair verschil te schatten; de andere hebben ongecorrigeerde "
        "intervallen",
    ),
    "forest_alt": (
        "Differences between arms with intervals, against a line at zero.",
        "Verschillen tussen groepen met intervallen, tegen een lijn bij nul.",
    ),
    "forest_axis_baseline": (
        "{title}: adjusted difference, points",
        "{title}: gecorrigeerd verschil, punten",
    ),
    "forest_axis_covariates": (
        "{title}: adjusted difference, points",
        "{title}: gecorrigeerd verschil, punten",
    ),
    "forest_axis_raw": ("{title}: difference, points", "{title}: verschil, punten"),
    "favours": ("in favour of {arm}", "ten gunste van {arm}"),
    "lower_first": ("first arm lower", "eerste groep lager"),
    "higher_first": ("first arm higher", "eerste groep hoger"),
    "primary_note": (
        "Bold: planned comparison of a primary outcome.",
        "Vet: geplande vergelijking van een primaire uitkomst.",
    ),
    "holm_note": (
        "p (Holm) is adjusted over the tests of the plan ({n}), its contrasts of its primary "
        "outcomes; one that cannot be "
        "estimated counts with a p of one.",
        "p (Holm) is gecorrigeerd over de toetsen van het plan ({n}), de vergelijkingen van de "
        "primaire uitkomsten; een die "
        "niet te schatten is, telt met een p van één.",
    ),
    "holm_figure_note": (
        "The {level} % intervals are not adjusted for several tests: p (Holm) in the table "
        "decides, not whether an interval includes zero.",
        "De {level}%-intervallen zijn niet gecorrigeerd voor meer dan een toets: p (Holm) in de "
        "tabel beslist, niet of een interval nul bevat.",
    ),
    "not_adjusted_note": (
        "p and the {level} % intervals are not adjusted for several tests.",
        "p en de {level}%-intervallen zijn niet gecorrigeerd voor meer dan een toets.",
    ),
    "no_primary": (
        "The plan singles out no primary time point and no correction for several tests; every "
        "time point is reported.",
        "Het plan wijst geen primair meetmoment aan en geen correctie voor meerdere toetsen; elk "
        "meetmoment staat er.",
    ),
    "no_primary_holm": (
        "The plan asks for Holm's correction but singles out no primary time point, so that "
        "nothing is corrected; every time point is reported.",
        "Het plan vraagt om de correctie van Holm maar wijst geen primair meetmoment aan, zodat er "
        "niets is gecorrigeerd; elk meetmoment staat er.",
    ),
    "adjusted_for": ("Adjusted for: {what}.", "Gecorrigeerd voor: {what}."),
    "baseline_score": ("the score at baseline", "de score bij de voormeting"),
    "complete_cases": (
        "Complete cases: n are the people in the model, which is of all arms together: everybody "
        "who has every value. "
        "People without a score at the time point are left out, which is unbiased only if leaving "
        "depends on nothing "
        "but arm, baseline and covariates.",
        "Alleen volledige gegevens: n zijn de mensen in het model, dat over alle groepen samen "
        "gaat: iedereen bij wie "
        "niets ontbreekt. Wie op het meetmoment geen score heeft, valt weg; dat is alleen zuiver "
        "als uitval slechts "
        "afhangt van groep, voormeting en covariaten.",
    ),
    "no_clusters": (
        "Differences between arms, effects, p values and intervals: not possible yet. Clusters "
        "({cluster}) were randomised, not people, and the models of this report have no clusters. "
        "Intervals made as if people had been randomised would be too narrow.",
        "Verschillen tussen groepen, effecten, p-waarden en intervallen: nog niet mogelijk. "
        "Clusters ({cluster}) zijn geloot, niet mensen, en de modellen van dit verslag kennen geen "
        "clusters. Intervallen alsof mensen waren geloot zouden te smal zijn.",
    ),
    "no_difference": (
        "{instrument}: no difference can be estimated: {why}",
        "{instrument}: geen verschil te schatten: {why}",
    ),
    "spread": ("{sd} points, n\u00a0=\u00a0{n}", "{sd} punten, n\u00a0=\u00a0{n}"),
    "recipe": (
        "How the effect is made: adjusted difference divided by the {standardiser} ({spreads}), "
        "times Hedges' "
        "correction J; large-sample {level} % interval from the standard error of the difference "
        "and the uncertainty "
        "of the SD.",
        "Hoe het effect is gemaakt: gecorrigeerd verschil gedeeld door de {standardiser} "
        "({spreads}), maal Hedges' "
        "correctie J; {level}%-interval voor grote steekproeven uit de standaardfout van het "
        "verschil en de "
        "onzekerheid van de SD.",
    ),
    "recipe_raw": (
        "How the effect is made: difference divided by the {standardiser} ({spreads}), "
        "times Hedges' "
        "correction J; large-sample {level} % interval from the standard error of the difference "
        "and the uncertainty "
        "of the SD.",
        "Hoe het effect is gemaakt: verschil gedeeld door de {standardiser} "
        "({spreads}), maal Hedges' "
        "correctie J; {level}%-interval voor grote steekproeven uit de standaardfout van het "
        "verschil en de "
        "onzekerheid van de SD.",
    ),
    "no_effect.baseline_sd": (
        "– under the effect: no effect, the SD at baseline is zero.",
        "– onder het effect: geen effect, de SD bij de voormeting is nul.",
    ),
    "no_effect.post_sd": (
        "– under the effect: no effect, the SD at the time point is zero.",
        "– onder het effect: geen effect, de SD op het meetmoment is nul.",
    ),
    "baseline_sd": (
        "pooled SD at baseline of everybody randomised to the two arms",
        "gepoolde SD bij de voormeting van iedereen die in de twee groepen is geloot",
    ),
    "post_sd": (
        "pooled SD of the two arms at this time point",
        "gepoolde SD van de twee groepen op dit meetmoment",
    ),
    "pooled_differences": (
        "Differences between arms are not part of a report in which all arms are taken together.",
        "Verschillen tussen groepen horen niet in een verslag waarin alle groepen zijn "
        "samengenomen.",
    ),
    # reliable change
    "change": (
        "Reliable improvement and deterioration",
        "Betrouwbare verbetering en verslechtering",
    ),
    "change_table": (
        "{instrument}: change from baseline of at least {points} points",
        "{instrument}: verandering sinds de voormeting van minstens {points} punten",
    ),
    "change_table.one": (
        "{instrument}: change from baseline of at least {points} point",
        "{instrument}: verandering sinds de voormeting van minstens {points} punt",
    ),
    "change_title": (
        "Among people with both scores; source of the value: {source}; status: {status}.",
        "Onder mensen met beide scores; bron van de waarde: {source}; status: {status}.",
    ),
    "status.cited": ("cited from the literature", "geciteerd uit de literatuur"),
    "status.unverified": ("not verified", "niet geverifieerd"),
    "improved": ("Improved", "Verbeterd"),
    "deteriorated": ("Deteriorated", "Verslechterd"),
    "percent": ("%", "%"),
    "no_reference": (
        "{instrument}: no reference value for reliable change is recorded in this data set.",
        "{instrument}: een referentiewaarde voor betrouwbare verandering is niet vastgelegd in "
        "deze gegevens.",
    ),
    # adherence
    "adherence": ("Adherence to the programme", "Gebruik van het programma"),
    "lessons": ("Use of lessons and modules", "Gebruik van lessen en modules"),
    "adherence_table": ("Use of the programme", "Gebruik van het programma"),
    "nobody_given": (
        "Nobody has been given the programme.",
        "Niemand heeft het programma gekregen.",
    ),
    "not_given": (
        "Nobody has been given the programme in: {arms}.",
        "Niemand heeft het programma gekregen bij: {arms}.",
    ),
    "measure": ("Measure", "Maat"),
    "n_or_value": ("n or value", "n of waarde"),
    "access": ("Given the programme", "Kregen het programma"),
    "programme_opened": (
        "Opened on, median, {unit} since randomisation",
        "Ging open na, mediaan, {unit} sinds loting",
    ),
    "opened_apart": (
        "The programme did not open on the same day in every arm. Where it opened late there was "
        "less time to use it and "
        "the follow-up was over: these columns are no comparison of arms.",
        "Het programma ging niet in elke groep op dezelfde dag open. Waar het laat openging, was "
        "er minder tijd om het te "
        "gebruiken en waren de metingen voorbij: deze kolommen zijn geen vergelijking van groepen.",
    ),
    "stop_is_not_use": (
        "Stopped here is not using it any more, said or not; the flow diagram counts only people "
        "who said so.",
        "Gestopt is hier niet meer gebruiken, gezegd of niet; het stroomdiagram telt alleen wie "
        "het liet weten.",
    ),
    "started": ("Opened any module", "Opende een module"),
    "modules": ("Modules completed, mean", "Modules afgerond, gemiddeld"),
    "finished": ("Completed every module", "Rondde elke module af"),
    "adherent": ("Completed at least {n} modules", "Rondde minstens {n} modules af"),
    "adherent.one": ("Completed at least {n} module", "Rondde minstens {n} module af"),
    "last_use": ("Last use, median, {unit}", "Laatste gebruik, mediaan, {unit}"),
    "why_enough": ("Why this is enough: {why}", "Waarom dit genoeg is: {why}"),
    "funnel_title": (
        "Started, then finished every module: ",
        "Begonnen, en daarna elke module afgerond: ",
    ),
    "funnel_arm": ("{started} % and {finished} % in {arm}", "{started}% en {finished}% bij {arm}"),
    "funnel_pooled": ("{started} % and {finished} %", "{started}% en {finished}%"),
    "funnel_alt": (
        "For each module the share of people who opened it and who completed it.",
        "Per module het deel van de mensen dat hem opende en dat hem afrondde.",
    ),
    "funnel_axis": ("Share of those given the programme, %", "Deel van wie het programma kreeg, %"),
    "opened": ("opened", "geopend"),
    "completed": ("completed", "afgerond"),
    "module": ("Module", "Module"),
    "funnel_table": ("Modules opened and completed", "Modules geopend en afgerond"),
    "use_title": (
        "Time until half had stopped using the programme: ",
        "Tijd tot de helft stopte met het programma: ",
    ),
    "use_note": (
        "Stopped: last use more than {idle} {unit} before the last day known, without having "
        "finished; who "
        "finished or was still using it is counted up to then.",
        "Gestopt: laatste gebruik meer dan {idle} {unit} voor de laatst bekende dag, zonder klaar "
        "te zijn; wie "
        "klaar was of nog bezig was, telt tot dat moment mee.",
    ),
    "use_axis": ("Still using the programme, %", "Gebruikt het programma nog, %"),
    "use_table": ("Time in the programme", "Tijd in het programma"),
    "use_risk_table": (
        "People still followed in the programme",
        "Mensen die in het programma nog worden gevolgd",
    ),
    "use_alt": (
        "Kaplan-Meier curve of the use of the programme for each arm.",
        "Kaplan-Meiercurve van het gebruik van het programma per groep.",
    ),
    # retention
    "retention": ("Staying in the study", "In het onderzoek blijven"),
    "retention_title": ("Still in the study at {when}: ", "Nog in het onderzoek bij {when}: "),
    "share_arm": ("{share} % in {arm}", "{share}% bij {arm}"),
    "share_pooled": ("{share} %", "{share}%"),
    "retention_note": (
        "Left: the day of withdrawal, else the day on which the first time point opened to the "
        "person from which on "
        "nothing was answered; the planned day where that is not told. At a time point: when it "
        "had opened to everybody in "
        "the arm.",
        "Weg: de dag van terugtrekken, anders de dag waarop voor die persoon het eerste meetmoment "
        "openging vanaf waar "
        "niets meer is ingevuld; de geplande dag als die niet bekend is. Bij een meetmoment: toen "
        "het voor iedereen in de "
        "groep open was.",
    ),
    "not_followed": (
        "–: nobody in the arm is followed until then.",
        "–: niemand in de groep wordt tot dan gevolgd.",
    ),
    "retention_axis": ("Still in the study, %", "Nog in het onderzoek, %"),
    "retention_table": ("Time in the study", "Tijd in het onderzoek"),
    "retention_risk_table": (
        "People still followed in the study",
        "Mensen die in het onderzoek nog worden gevolgd",
    ),
    "retention_alt": (
        "Kaplan-Meier curve of staying in the study for each arm.",
        "Kaplan-Meiercurve van het blijven in het onderzoek per groep.",
    ),
    "ended": ("Left", "Weg"),
    "stopped": ("Stopped", "Gestopt"),
    "median": ("Median, {unit}", "Mediaan, {unit}"),
    "still": ("Still there, %", "Er nog, %"),
    "at": ("At", "Op"),
    "at_risk": ("at risk", "nog gevolgd"),
    "median_arm": ("{median} {unit} in {arm}", "{median} {unit} bij {arm}"),
    "median_not": ("not reached in {arm}", "niet bereikt bij {arm}"),
    "median_pooled": ("{median} {unit}", "{median} {unit}"),
    # contacts
    "contacts": ("Coach contacts", "Contacten met de coach"),
    "contacts_table": (
        "Calls planned, tried and held",
        "Gesprekken gepland, geprobeerd en gevoerd",
    ),
    "contacts.people": ("People with planned calls", "Mensen met geplande gesprekken"),
    "contacts.planned": ("Calls planned", "Gesprekken gepland"),
    "contacts.attempted": ("Calls tried at least once", "Gesprekken minstens eens geprobeerd"),
    "contacts.attempts": ("Attempts in all", "Pogingen in totaal"),
    "contacts.held": ("Calls held", "Gesprekken gevoerd"),
    "contacts.held_each": ("Calls held per person", "Gesprekken per persoon"),
    "contacts.minutes": ("Minutes in all", "Minuten in totaal"),
    "contacts.minutes_each": ("Minutes a call, mean", "Minuten per gesprek, gemiddeld"),
    "contacts.minutes_each_sd": ("Minutes a call, SD", "Minuten per gesprek, SD"),
    "no_calls": ("No calls are planned with anybody.", "Met niemand zijn gesprekken gepland."),
    "no_calls_in": ("No calls are planned in: {arms}.", "Geen gesprekken gepland bij: {arms}."),
    "coaches_table": ("What each coach did", "Wat elke coach deed"),
    "coach": ("Coach", "Coach"),
    "coach.people": ("People", "Mensen"),
    "coach.held": ("Calls held", "Gesprekken gevoerd"),
    "coach.minutes_each": ("Minutes a call, mean", "Minuten per gesprek, gemiddeld"),
    "coach.steps": ("Steps done, %", "Stappen gedaan, %"),
    "coach.deviations": ("Rules not kept", "Regels niet aangehouden"),
    "coach.corrections": ("Logs corrected", "Vastleggingen gecorrigeerd"),
    "coach_codes": (
        "Codes of this study, in the order in which people joined it: whoever knows when that was "
        "knows who they are. Whoever had more than one coach counts with each.",
        "Codes van dit onderzoek, in de volgorde waarin mensen erbij kwamen: wie weet wanneer dat "
        "was, weet wie het zijn. Wie meer dan één coach had, telt bij elk mee.",
    ),
    "coach_steps": (
        "Steps done: of the steps that the protocol has, over tries that reached somebody.",
        "Stappen gedaan: van de stappen die het protocol heeft, over pogingen waarbij iemand werd "
        "bereikt.",
    ),
    # intercurrent events
    "intercurrent": ("Intercurrent events", "Intercurrente gebeurtenissen"),
    "intercurrent_table": (
        "People with each event that is on record",
        "Mensen met elke gebeurtenis die is vastgelegd",
    ),
    "intercurrent_event": ("Event", "Gebeurtenis"),
    "intercurrent.allocation_forced": (
        "Arm given, not drawn",
        "Groep gegeven, niet geloot",
    ),
    "intercurrent.programme_stopped": (
        "Stopped with the programme",
        "Gestopt met het programma",
    ),
    "intercurrent.too_few_contacts": (
        "{n} calls out of reach",
        "{n} gesprekken niet meer haalbaar",
    ),
    "intercurrent.too_few_contacts.one": (
        "{n} call out of reach",
        "{n} gesprek niet meer haalbaar",
    ),
    "intercurrent.consent_withdrawn": (
        "Asked to be erased",
        "Vroeg om te worden gewist",
    ),
    "intercurrent_not": (
        "Leaving the study and unsent questionnaires are not among them: they are why an outcome "
        "is missing.",
        "Het onderzoek verlaten en niet ingestuurde vragenlijsten horen er niet bij: daardoor "
        "ontbreekt een uitkomst.",
    ),
    "why_enough_calls": (
        "Why that many calls: {why}",
        "Waarom zoveel gesprekken: {why}",
    ),
    # who worked on the study
    "given": ("Who worked on the study", "Wie aan het onderzoek werkten"),
    "given_table": (
        "Every role, who asked for it and who agreed",
        "Elke rol, wie erom vroeg en wie instemde",
    ),
    "given_role": ("Role", "Rol"),
    "given_to": ("Person", "Persoon"),
    "given_since": ("Since", "Sinds"),
    "given_until": ("Until", "Tot"),
    "given_how": ("How it was given", "Hoe de rol is gegeven"),
    "given.researcher": ("researcher", "onderzoeker"),
    "given.statistician": ("statistician", "statisticus"),
    "given.coach": ("coach", "coach"),
    "given.supervisor": ("supervisor", "supervisor"),
    "given.assessor": ("assessor", "beoordelaar"),
    "given.lock": ("lock of the data", "vergrendeling van de gegevens"),
    "given_loaded": ("loaded the study", "laadde het onderzoek"),
    "given_free": (
        "first of this role, before the first allocation; asked by {asker}",
        "de eerste met deze rol, vóór de eerste toewijzing; gevraagd door {asker}",
    ),
    "given_agreed": (
        "asked by {asker}, agreed to by {second}",
        "gevraagd door {asker}, ingestemd door {second}",
    ),
    "given_waited": (
        "asked by {asker}; nobody could agree and nobody said no",
        "gevraagd door {asker}; niemand kon instemmen en niemand zei nee",
    ),
    "given_machine": ("the machine itself", "de computer zelf"),
    "given_rule": (
        "A role takes a second person, whom the one who asks did not invite. Before the first "
        "allocation one person of "
        "each role needs none. People are numbered as in the audit trail.",
        "Voor een rol is een tweede persoon nodig, die niet is uitgenodigd door wie erom vraagt. "
        "Vóór de eerste toewijzing "
        "kan één persoon per rol zonder. Mensen hebben het nummer van het logboek.",
    ),
    "given_people": (
        "Two numbers are two addresses. Whether they belong to two people the software cannot "
        "know.",
        "Twee nummers zijn twee adressen. Of het twee mensen zijn, kan de software niet weten.",
    ),
    # methods
    "methods": ("How these numbers are made", "Hoe deze getallen zijn gemaakt"),
    "method.ancova": (
        "Differences: analysis of covariance by least squares; Student's t interval ({paper}).",
        "Verschillen: covariantieanalyse met kleinste kwadraten; interval van Student ({paper}).",
    ),
    "method.effect": ("Effects: Hedges' g ({paper}).", "Effecten: Hedges' g ({paper})."),
    "method.share": (
        "Shares: Wilson's score interval ({paper}).",
        "Aandelen: score-interval van Wilson ({paper}).",
    ),
    "method.change": (
        "Reliable change: larger than measurement error ({paper}).",
        "Betrouwbare verandering: groter dan de meetfout ({paper}).",
    ),
    "method.curve": (
        "{what}: Kaplan-Meier with log-log intervals ({paper}); attrition as in {attrition}.",
        "{what}: Kaplan-Meier met log-log-intervallen ({paper}); uitval zoals in {attrition}.",
    ),
    "method.curve_alone": (
        "{what}: Kaplan-Meier ({paper}); attrition as in {attrition}.",
        "{what}: Kaplan-Meier ({paper}); uitval zoals in {attrition}.",
    ),
    "time_in_study": ("Time in the study", "Tijd in het onderzoek"),
    "time_in_both": (
        "Time in the study and in the programme",
        "Tijd in het onderzoek en in het programma",
    ),
    "method.holm": (
        "Several primary outcomes: Holm's correction ({paper}).",
        "Meerdere primaire uitkomsten: Holm ({paper}).",
    ),
    "method.smd": (
        "Standardised differences at baseline: difference of means over the root of the mean "
        "variance ({paper}); "
        "for categories {counts}.",
        "Gestandaardiseerde verschillen bij de voormeting: verschil van gemiddelden gedeeld door "
        "de wortel van de"
        " gemiddelde variantie ({paper}); voor categorieën {counts}.",
    ),
    "check": (
        "Every number in this report stands in results.json under the name it carries in the HTML "
        "version, "
        "unrounded, with its method. The same data give the same numbers.",
        "Elk getal in dit verslag staat in results.json onder de naam die het in de HTML-versie "
        "draagt, niet "
        "afgerond, met de methode erbij. Dezelfde gegevens geven dezelfde getallen.",
    ),
}


def word(key: str, language: str) -> str:
    return in_language(dict(zip(LANGUAGES, WORDS[key], strict=True)), language)


def known(key: str) -> bool:
    return key in WORDS


def pieces(key: str, language: str) -> Iterator[tuple[str, str | None]]:
    """The template cut at its places: (text before, name of the place or None at the end)."""
    from string import Formatter

    for text, name, _, _ in Formatter().parse(word(key, language)):
        yield text, name
