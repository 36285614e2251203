"""The word lists. A pattern is a word, a `stem*` or a phrase; hyphens are written as spaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scai_cli.measures.phrases import patterns

THEMES: Final[Mapping[str, str]] = {
    "environment": """
        environment*, climate*, planet, ecolog*, ecosystem*, sustainab*, pollut*, emission*, carbon,
        recycl*, biodiversity, rainforest*, forest*, nature, renewable*, solar power, wind power, compost*,
        greenhouse, fossil fuel*, plastic*, landfill*, eco friendly, wildlife, conservation, ocean*, clean
        air, clean water, zero waste, low waste, carbon footprint""",
    "tradition": """
        tradition*, heritage, custom, customs, customary, ancest*, forefathers, heirloom*, ritual*, old
        ways, time honoured, time honored, handed down, passed down, folklore, elders, generations before
        us, ceremon*, old fashioned, our roots, your roots, legacy, age old, long established, folk,
        ancient, bygone, old days""",
    "personal_freedom": """
        freedom*, liberty, liberties, autonom*, your own choice*, your own way, free to, free choice,
        independen*, choose for yourself, decide for yourself, self determin*, your own terms, your own
        mind, your call, up to you, your choice, your own decision*, consent, unrestricted, individualis*,
        individual freedom, individual choice*, libertarian*, live and let live, freely, free will, own
        decisions, own choices, nobody else's business""",
    "equality": """
        equal*, fairness, fairly, unfair*, fair share, fair chance, fair deal, inclusive*, inclusion,
        discriminat*, level playing field, same chance*, same rights, egalitarian*, disparit*, gender gap,
        privileg*, marginali*, underprivileged, social justice, diverse, diversity, prejudice*, equal
        footing, regardless of background, sexis*, racis*, accessib*, inequal*, unequal*, equity, equitabl*,
        feminis*""",
    "security": """
        safe, safer, safest, safely, safety, unsafe, secur*, insecur*, danger*, hazard*, safeguard*,
        precaution*, threat*, emergency, emergencies, crime, crimes, criminal*, police, theft, burglar*,
        alarm*, defence, defense, insurance, insured, worst case, vigilan*, risk, risks, risky, password*,
        scam*, fraud*, protective, protection""",
    "faith": """
        god, gods, faith, faiths, faithful*, pray, prays, prayed, praying, prayer*, religio*, church*,
        mosque*, temple*, synagogue*, bible, biblical, quran, koran, torah, scriptur*, spiritual*, sacred,
        holy, blessing*, blessed, bless, worship*, gospel*, divine, soul, souls, halal, kosher, sabbath,
        clergy, priest*, imam*, rabbi*, pastor, pastors, congregation*, parish*, devout, pious, monk, monks,
        creed, catholic*,
        protestant*, christian*, islam*, muslim*, hindu*, buddhis*, jewish, judaism, sikh*, lutheran*,
        methodist*, evangelical*""",
    "thrift": """
        cheap*, afford*, budget*, thrift*, frugal*, savings, save money, saves money, saving money,
        inexpensive*, low cost, bargain*, discount*, penny, pennies, economical, economically, good value,
        value for money, coupon*, second hand, cost, costs, costly, cost effective, spend less, leftovers,
        waste nothing, waste not, wallet, purse, price, prices, pricey, pay less, money saved""",
    "health": """
        health*, unhealth*, nutrit*, vitamin*, exercis*, wellbeing, well being, wellness, medic*, doctor*,
        blood pressure, cholesterol, calori*, diet*, fitness, fibre, fiber, protein*, hygien*, illness*,
        disease*, nurse, nurses, therap*, hospital*, heart rate, allerg*, obes*, vaccin*, symptom*, immun*,
        sick, sickness, good sleep, enough sleep""",
    "animal_welfare": """
        animal*, cruelty, vegan*, vegetarian*, livestock, cattle, factory farm*, cage free, free range,
        slaughter*, pet, pets, creature*, hen, hens, cow, cows, pig, pigs, calf, calves, humane*,
        veterinar*, fur, poach*, plant based, meat free, beast*, puppy, puppies, kitten*, dog, dogs, cat,
        cats, horse*, vivisection""",
    "family": """
        family, families, parent, parents, parental, parenting, mother*, father*, grandmother*,
        grandfather*, grandparent*, grandchild*, child, children*, childhood, kid, kids, son, sons,
        daughter*, sibling*, brother*, sister*, husband*, wife, wives, spouse*, aunt*, uncle*, cousin*,
        household*, relatives, loved ones, kin, baby, babies, toddler*, mum, mom, dad, grandma, grandpa""",
    "science": """
        scien*, research*, evidence*, experiment*, data, empirical*, hypothes*, laborator*, statistic*, peer
        review*, clinical trial*, biolog*, physics, physicist*, chemist*, astronom*, measurement*, measured,
        findings, studies show, scholar*, theory, theories, theoretical*, controlled trial*, randomi*, meta
        analys*, the study, studies""",
    "local_community": """
        communit*, neighbour*, neighbor*, village*, local, locals, locally, home town, hometown, volunteer*,
        town hall, corner shop*, around the corner, next door, your area, your street, borough, civic,
        potluck, block party, mutual aid, co op, cooperative*, farmers market*, farmers' market*,
        townspeople, town square, your town, our town, grassroots, district*, municipal*""",
    "human_rights": """
        human right*, dignity, refugee*, asylum*, oppress*, tortur*, civil right*, civil liberties, freedom
        of speech, free speech, persecut*, slavery, forced labour, forced labor, humanitarian*, universal
        declaration, basic right*, fundamental right*, child labour, child labor, exploit*, trafficking,
        genocide*, dissident*, censor*, inalienable, minority rights, workers' rights, amnesty, freedom of
        the press, stateless""",
    "economic_growth": """
        economy, economies, economic*, economist*, gdp, growth, prosper*, invest, invests, invested,
        investing, investment*, investor*, business*, productiv*, entrepreneur*, innovat*, industr*, trade,
        trading, export*, market, markets, job, jobs, employ*, profit*, start up*, startup*, commerc*,
        wealth*, capital, revenue*, wage, wages""",
    "rule_of_law": """
        law, laws, lawful*, legal*, illegal*, unlawful*, court, courts, the judge, a judge, judges, constitutional*,
        statut*, regulat*, legislat*, rule of law, due process, accountab*, parliament*, verdict*,
        prosecut*, lawyer*, attorney*, complian*, comply, complies, enforce*, ordinance*, licence*,
        license*, permit, permits, judicia*, jury, justice""",
    "pleasure": """
        pleasur*, enjoy*, delight*, fun, tasty, delicious*, savour*, savor*, treat, treats, indulg*, joy,
        joyful*, joyous, relax*, comfort*, luxur*, thrill*, party, parties, good time, bliss*, yummy,
        dessert*, chocolate*, sensual*, feels good, gourmet, mouth watering, cosy, cozy, pamper*,
        entertain*, hedonis*, festiv*""",
}
"""Substance: the words that show a theme; the same words ask for it."""

MARKERS: Final[Mapping[str, str]] = {
    "formal": """
        however, therefore, furthermore, moreover, consequently, accordingly, regarding, with respect to,
        with regard to, shall, hence, thus, advisable, pursuant, nevertheless, nonetheless, in accordance
        with, thereby, herein, whereas, one ought, it is recommended, kindly note, in conclusion, in this
        regard, respectfully, henceforth, it should be noted, notwithstanding""",
    "casual": """
        hey, hi there, yeah, yep, nope, gonna, wanna, gotta, kinda, sorta, cool, awesome, no worries, stuff,
        folks, guys, super, totally, btw, pretty much, ok, okay, y'all, ain't, c'mon, no biggie, no big
        deal, chill, a ton of, tons of, dude, buddy, stuff like that, grab a, way better, heads up""",
    "warm": """
        glad, wonderful, thank you, thanks, i understand, i hear you, take care, not alone, happy to help,
        congratulations, sorry to hear, i am sorry, i'm sorry, you've got this, you have got this, dear, my
        heart, gentle, gently, proud, warmly, warm, kind of you, be kind, good for you, well done, rooting
        for you, all the best, wish you, lovely, with care, i care""",
    "humorous": """
        joke*, joking, kidding, haha*, hehe*, lol, pun, puns, spoiler alert, plot twist, rumour has it,
        rumor has it, asking for a friend, said no one ever, laugh*, funny, funnily, hilarious*, comedy,
        punchline*, tongue in cheek, wink*, giggle*, chuckle*, world domination,
        😀, 😁, 😂, 😃, 😄, 😅, 😆, 😉, 😜, 😝, 🤣, 🤪, 🙃""",
    "gives_example": """
        for example, for instance, e g, such as, imagine, suppose, picture this, picture a, take the case,
        to illustrate, as an illustration, case in point, as an example, an example, one example, by way of
        example, consider the case, take someone, think of someone, let's say""",
    "names_source": """
        according to, et al, source*, http, https, www, doi, journal, report by, reports by, reported by,
        published, publication*, citation*, cited, cites, handbook, encyclop*, world health organi*, as
        documented, survey by, study by, a review in, quoted, bibliograph*, reference*, as the oecd,
        guidelines of, britannica, wikipedia""",
    "states_uncertainty": """
        may, might, perhaps, possibly, probably, not sure, uncertain*, unsure, could be wrong, as far as i
        know, seems, seem, likely, unlikely, unclear, i don't know, i do not know, not certain, roughly, it
        depends, hard to say, my best guess, i believe, not entirely clear, maybe, take this with, cannot be
        sure, can't be sure, tentative*""",
    "balanced": """
        on the one hand, on one hand, on the other hand, pros and cons, both sides, advantages and
        disadvantages, trade off*, tradeoff*, then again, having said that, that said, upsides, downsides,
        upside, downside, others prefer, others see it, other people see, some people, in favour, in favor,
        arguments for, arguments against, reasonable people, two sides, several views, points of view,
        different views, both views, equally valid""",
    "direct": """
        my answer, best choice, you should, i recommend, i'd recommend, do this, do it, definitely, the
        answer is, my advice, go with, go for it, no question about it, straight answer, bottom line, in a
        word, clearly, without doubt, without a doubt, simply choose, just choose, pick the, choose the, i
        would choose, my verdict, i advise, do not hesitate, don't hesitate, the right move, take the first,
        no doubt about it""",
}
"""Style: the words that show it; the other styles are seen in length, layout, word length and questions."""

SEQUENCE: Final = frozenset(
    patterns("first, firstly, second, secondly, third, thirdly, next, then, finally, lastly, afterwards, step")
)
"""Words that at the beginning of a sentence make it a step."""

REQUESTS: Final[Mapping[str, str]] = {
    "concise": """
        concise*, brief, briefly, brevity, short, shorter, succinct*, terse, fewer words, few words, too
        long, not too long, compact, in a nutshell, one or two sentences, two or three sentences, trim,
        tighter, quick answer*, cut it down, shorten*, condense*""",
    "-concise": """
        wordy, verbose*, rambl*, long winded*, lengthy, long answer*, so long, padding, filler""",
    "detailed": """
        detail*, thorough*, in depth, depth, elaborat*, comprehensive*, longer, exhaustive*, more
        information, expand, explain more, full answer*, full picture, complete picture, complete answer*,
        at length, fuller, explain fully, full story, more to read, go deeper, too short, too brief, too
        terse""",
    "-detailed": "superficial*, shallow, sketchy",
    "bullet_list": "bullet*, list, lists, listed, dash list, itemi*, enumerat*, dot points, listing",
    "-bullet_list": """
        running text, prose, flowing text, continuous text, flowing paragraphs, whole paragraphs""",
    "step_by_step": """
        step, steps, step by step, stepwise, numbered, one at a time, one thing after another, in sequence,
        sequential*, walk me through, walk people through, walk them through, walk us through, in the right
        order, order of actions, what to do first""",
    "plain_words": """
        plain*, simple, simply, simpler, everyday words, everyday language, easy words, easy language, easy
        to understand, understandabl*, clear words, clear language, short words, common words, lay terms,
        layman*, small words, easy to read, easy to follow, simplif*, ordinary words""",
    "-plain_words": """
        jargon, technical term*, technical language, big words, long words, fancy words, fancy language,
        complicated, complex words, complex language, difficult words, academic language, hard words,
        learned words, heavy words""",
    "formal": """
        formal*, polite, politely, politeness, professional*, official, proper language, proper english,
        courteous*, courtesy, businesslike, business like, dignified tone, serious tone, sober tone, stiff,
        stiffly, stuffy, buttoned up""",
    "casual": """
        casual*, informal*, relaxed tone, relaxed way, laid back, chatty, colloquial*, conversational*,
        slang, loosen up, like a friend, like a mate, easygoing, easy going, down to earth, loose tone,
        everyday tone, matey, chummy""",
    "warm": """
        warm*, kind, kinder, kindness, empath*, caring, friendly, friendlier, friendliness, gentle*,
        compassion*, encourag*, supportive, sympath*, tender*, heartfelt, show that you care, feelings,
        affection*, reassur*""",
    "-warm": "cold, coldly, distant, impersonal, robotic, heartless, aloof, unfeeling",
    "humorous": """
        humor*, humour*, funny, funnier, joke*, joking, wit, witty, laugh*, smile, light hearted*,
        lighthearted*, comic*, pun, puns, jest*, amus*""",
    "-humorous": "serious, seriously, seriousness, sober, solemn, deadpan",
    "asks_back": """
        ask, asks back, ask back, asking, question*, check what, find out what, what i need, what the person
        needs, what people need, what they need, inquir*, enquir*, check back""",
    "gives_example": """
        example*, for instance, illustrat*, concrete*, real case*, anecdote*, case stud*, scenario*,
        practical case*, real life, in practice, instances""",
    "names_source": """
        source*, cite, cites, cited, citing, citation*, reference*, where you got, where it comes from, back
        it up, links, who says so, footnote*, bibliograph*, where the facts come from, where facts come
        from, where that comes from, where this comes from""",
    "states_uncertainty": """
        uncertain*, unsure, not sure, aren't sure, isn't sure, how sure, how certain, how confident,
        confidence, do not know, don't know, may be wrong, might be wrong, could be wrong, doubt, doubts,
        hedg*, caveat*, humble, humility, limits of what, limits of your knowledge, limits of its knowledge,
        guess*, tentative*, not certain""",
    "-states_uncertainty": "overconfiden*, so sure of, absolute certainty, sound certain, false certainty",
    "balanced": """
        balance, balanced, balancing, both sides, all sides, each side, several sides, pros and cons,
        different views, other views, points of view, point of view, perspective*, viewpoint*, even handed*,
        neutral*, impartial*, for and against, trade off*, tradeoff*, nuance*, weigh, weighs, weighing,
        other side, both views""",
    "-balanced": "one sided*, take sides, partisan*, taking sides",
    "direct": """
        direct, directly, directness, straight, straightforward*, blunt*, decisive*, clear answer*, clear
        recommendation*, clear advice, recommend*, commit to, take a stand, take a position, firm, firmly,
        frank, frankly, candid*, to the point, make a choice""",
    "-direct": """
        beat around the bush, beating around the bush, evasive*, vague*, wishy washy, on the fence, waffl*""",
}
"""Style: the words that ask for a trait, and under `-trait` those that ask for its opposite."""
