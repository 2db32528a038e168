"""Words that carry no topic: function words of seven languages and the verbs of questions."""

from __future__ import annotations

_ENGLISH = """
primarily mainly currently typically usually actually probably
a about above across after again against all almost along already also although always am among
an and another any anybody anyone anything are around as at away back be became because become
becomes been before behind being below between both but by came can cannot come comes could did
do does doing done down during each either else enough even ever every everything few for from
further get gets give given gives go goes going got had has have having he hence her here hers
herself him himself his how however i if in indeed instead into is it its itself just keep kept
let lets like likely made make makes making many may maybe me might mine more most mostly much
must my myself near need needs neither never nevertheless no nobody none nor not nothing now of
off often on once one ones only onto or other others otherwise our ours ourselves out over own
per perhaps please put quite rather really said same say says see seem seems several shall she
should since so some somehow someone something sometimes soon still such take taken takes than
that the their theirs them themselves then there therefore these they thing things this those
though through thus to together too toward towards under until unless up upon us use used uses
using very via was way ways we well went were what whatever when whenever where whereas whether
which while who whoever whole whom whose why will with within without would yes yet you your
yours yourself don doesn didn isn aren wasn weren won couldn shouldn wouldn hasn haven hadn ain
re ve ll it's that's what's there's don't doesn't didn't isn't aren't wasn't weren't won't can't
couldn't shouldn't wouldn't hasn't haven't hadn't i'm you're we're they're
"""
_OTHER_LANGUAGES = """
aber als am an auch auf aus bei bin bis das dass dem den der des dies diese doch du durch ein
eine einem einen einer es für gibt ich ihr im in ist ja kann mit nach nicht noch nur oder ohne
sehr sich sie sind über um und uns unter von vom vor wann warum welche welcher welches wenn wer
werden wie wir wird wo zu zum zur au aux avec ce ces cette comme comment dans de donc elle en
est et eux il ils je la le les leur lui mais nous où ou pas pourquoi quand que quel quelle
quelles quels qui sa se ses son sont sur un une vous al como con cual cuando del desde donde el
ella entre era esta este están fue ha hay las lo más muy para pero por porque qué quién ser si
sobre su sus también una y ya che chi cosa cui da dal dalla degli dei della delle di e gli io ma
nel nella non per perché più quale quali quando quanto questo sono sul ao dos em foi mas na nas
não nos os pela pelo quais qual quem são seu sua também uma aan bij dat deze dit door een er het
hoe hij ik is kan maar meer met naar niet of om ook op te tot uit voor waar waarom wanneer wat
we wordt zijn
"""
_QUESTION_WORDS = """
large big small
configure configured configures
examine analyze analyse evaluate assess synthesize investigate consider recommend identify justify
review critically rapidly subsequent relevant overall propose discussed including likely argue
account answer apply available base based bring build call cause change check choose cite
compare consist contain cover create current currently decide define depend describe describes
description detail details determine differ difference different discuss doc docs document
documentation documents easily end enable ensure exact exactly example examples exist exists
expect explain explains extent file find finish first follow general good great handle handled
handles happen happened happening happens help helpful important include included includes
including information involve kind kinds know last leave list lists long look lot main mean
means mention mentioned mentions mostly new next number offer often order outline overview part
place point possible project protect provide provided provides purpose question read reason
receive refer relate relation related report result return role run running send serve set show
shows significant source sources specific specifically start state step stop store suggest
summarise summarize summary support supported supports tell text topic treat try turn type types
understand various want whats work works working write written year
"""

STOP_WORDS = frozenset(_ENGLISH.split()) | frozenset(_OTHER_LANGUAGES.split())
QUESTION_WORDS = frozenset(_QUESTION_WORDS.split())
"""Words that a question uses to ask, so that an answer without them has no gap."""
