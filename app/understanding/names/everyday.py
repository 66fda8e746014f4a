"""Words that name nothing by themselves: of grammar, of what people call items, of every day."""

FUNCTION = frozenset(
    """a an the and or but nor so yet if then than as at by for from in into of off on onto out over to up with within
    without about above after again against all also am any are aren arent be because been before being below between
    both can cant cannot could couldnt did didnt do does doesnt doing dont down during each either else ever every few
    had hadnt has hasnt have havent having he her here hers him his how i im ive id ill isnt it its itself just let lets
    me more most my myself neither never no none not now once one ones only other others our ours own please same she
    should shouldnt some someone something somewhere such thats theirs them their themselves there these they theyre
    this those though through too under until us very was wasnt we were werent what whats when where which while who
    whom whose why will wont would wouldnt yes yeah yep nope you your youre yours is that""".split()
)
"""Words of grammar: alone they are no title."""

ITEM_WORDS = frozenset(
    """movie movies film films flick flicks picture pictures title titles item items pick picks show shows artist
    artists band bands album albums song songs music book books game games product products""".split()
)
"""What people call the things of a catalogue."""

EVERYDAY = (
    FUNCTION
    | ITEM_WORDS
    | frozenset(
        """absolutely actually already always amazing another anybody anyone anything anyway around awesome away awful
        back bad beautiful best better big bit black boring bored boy boys bunch business call came chance change child
        children city classic close cold come comes cool couple crazy current dad dark date daughter day days dead deal
        dear death decent deep definitely different double drama dream dreams dumb early easy enough evening evil
        exactly excellent everyone everything fact family fan fantastic far fast father favorite favorites favourite
        feel feeling female fine first five for fresh friday friend friends fun funny gave get gets getting girl girls
        give go goes going gone gonna good got great green guess guy guys half happened happy hard hate heard heart
        hello help hi high home hope hot house idea ideas instead interested interesting job kid kids kill kind
        kinda know last late later least leave less life light like liked likes line list little live long longer look
        looking lost lot lots love loved loves lovely low lucky made main make makes male man many maybe mean means
        meet men might mind miss modern moment money month mood morning mother mum mom movie much music must name need
        new newer nice night non nothing notice number oh ok okay old older open opinion original part past people
        perfect person pick place plan play played please plot possibly prefer pretty probably problem put question
        quick quite rather read ready real really recent recently recommend recommendation recommendations red remember
        right romantic room running sad said saw say says scary scared scream second see seem seems seen sense
        serious set sex short similar simple single slow small son soon sorry sort sound sounds special start still
        stop story strange stuff style suggest suggestion suggestions super sure surprise take talk tell tense ten
        terrible thank thanks thing things think thinking third thought three time times today together tomorrow
        tonight top total totally tried true try turn two type types typical understand used usual usually want
        wanted wants war was waste watch watched watching way week weekend weird well went wife wild wish woman women
        won wonderful word words work world worse worst worth wow wrong year years young""".split()
    )
)
"""Words so common that, in lower case and alone, they are hardly meant as a title."""
