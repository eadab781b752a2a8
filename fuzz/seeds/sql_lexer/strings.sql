SELECT E'a\'b', U&'\0061', $q$ x $$ $q$, 'a' -- c
 'b', B'01' /* a /* b */ */ FROM "T""x", U&"\0061" UESCAPE '!';