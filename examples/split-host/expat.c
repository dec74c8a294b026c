#include <expat.h>
#include <stdio.h>
#include <string.h>

static void XMLCALL start(void *count, const XML_Char *name, const XML_Char **attributes) {
    (void)name, (void)attributes;
    ++*(int *)count;
}

const char *anymod_init_expat(void) {
    static char line[100];
    const char *text = "<a><b/><b><c/></b></a>";
    int count = 0;
    XML_Parser parser = XML_ParserCreate(NULL);
    XML_SetUserData(parser, &count);
    XML_SetStartElementHandler(parser, start);
    int ok = XML_Parse(parser, text, (int)strlen(text), 1) == XML_STATUS_OK;
    XML_ParserFree(parser);
    snprintf(line, sizeof line, "%d elements: %s", count, ok ? "well-formed" : "failed");
    return line;
}
